"""Other systems' webhook URLs: keep them, restore them, or replace all of them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from django.utils import timezone

from messages.domain.problems import Problem, ProblemError
from messages.models import Instance, OtherKind, Webhook, WebhookKind, WebhookState
from messages.zapi.client import Me, ZapiClient, ZapiError
from messages.zapi.webhook_kinds import has_call

from .push import agree_to_replace, queue_push
from .sync import (
    FAILURES,
    MAX_URL_LENGTH,
    client_of,
    is_foreign,
    observe,
    other_urls,
    save_instance,
    webhooks_of,
)
from .webhook_urls import webhook_url, why_push_is_off


class ActionRefusedError(ProblemError):
    """Z-API did not do what was asked."""


@dataclass(frozen=True, slots=True)
class WebhookHolder:
    """The current URL of a webhook: '' if not set, None if Z-API does not report it."""

    kind: str
    url: str | None

    @property
    def is_foreign(self) -> bool:
        return is_foreign(self.url or "")

    @property
    def is_by_hand(self) -> bool:
        """Whether Z-API documents no call to set it, so that people restore it by hand."""
        return not has_call(self.kind)


@dataclass(frozen=True, slots=True)
class TakeoverPreview:
    """What a call of `replace_every` would change."""

    holders: tuple[WebhookHolder, ...]
    sent_by_me: bool | None

    @property
    def foreign(self) -> Mapping[str, str]:
        """The URLs that would be replaced, by kind."""
        return {one.kind: one.url for one in self.holders if one.url and one.is_foreign}


def leave_unchanged(webhook: Webhook) -> None:
    """Stop using the webhook. The URL at Z-API stays unchanged."""
    webhook.wanted, webhook.state, webhook.replaces_url = False, WebhookState.OFF, ""
    webhook.retry_at, webhook.tries = None, 0
    webhook.set_problem()
    webhook.save(
        update_fields=["wanted", "state", "replaces_url", "retry_at", "tries", *Webhook.PROBLEM]
    )


def restore(webhook: Webhook) -> None:
    """Restore the URL that ours replaced. Raises ActionRefusedError."""
    with _refused_on_failure():
        client = client_of(webhook.instance)
        client.set_webhook(webhook.kind, webhook.previous_url)
        observe([webhook], client.me())
        if webhook.found_url != webhook.previous_url:
            raise ZapiError(Problem.URL_NOT_RESTORED)
    webhook.previous_url = webhook.pushed_url = ""
    webhook.pushed_at = webhook.heard_at = None
    webhook.save(
        update_fields=[
            *("previous_url", "pushed_url", "pushed_at", "heard_at"),
            *("found_url", "checked_at"),
        ]
    )
    leave_unchanged(webhook)


def preview_takeover(instance: Instance) -> TakeoverPreview:
    """Return which URLs would be replaced. Raises ActionRefusedError."""
    with _refused_on_failure():
        me = client_of(instance).me()
    kinds = (*WebhookKind.values, *OtherKind.values, *sorted(me.webhook_urls))
    holders = (WebhookHolder(kind, me.webhook_urls.get(kind)) for kind in dict.fromkeys(kinds))
    return TakeoverPreview(tuple(holders), me.sent_by_me)


def replace_every(instance: Instance, *, sent_by_me: bool | None = None) -> None:
    """Receive all callbacks, with one `update-every-webhooks` call. Raises ActionRefusedError.

    First saves the URLs that will be replaced, and whether Z-API reports messages sent by this
    number. `sent_by_me` sets this option; None keeps it.
    """
    with _refused_on_failure():
        if reason := why_push_is_off():
            raise ZapiError(reason)
        client, asked_at = client_of(instance), timezone.now()
        me = client.me()
        if any(len(url) > MAX_URL_LENGTH for url in me.webhook_urls.values()):
            raise ZapiError(Problem.URL_TOO_LONG)
        for webhook in webhooks_of(instance).values():
            _keep_previous(webhook, me.webhook_url(webhook.kind))
        others = other_urls(me)
        taken = {kind: url for kind, url in others.items() if is_foreign(url)}
        # Empty URLs are saved too: otherwise callbacks of these webhooks would still arrive here
        # after a restore.
        unused = {kind: "" for kind, url in others.items() if not url and has_call(kind)}
        if taken and instance.taken_sent_by_me is None:
            instance.taken_sent_by_me = me.sent_by_me
        instance.taken_urls = unused | instance.taken_urls | taken
        instance.save(update_fields=["taken_urls", "taken_sent_by_me"])
        own = bool(me.sent_by_me) if sent_by_me is None else sent_by_me
        client.set_every_webhook(webhook_url(instance), sent_by_me=own)
        _forget_untouched(instance, client)
        save_instance(instance, me, me.connection, asked_at=asked_at)
    # The worker pushes each webhook again, checks it and saves the result.
    queue_push(webhooks_of(instance).values())


def _forget_untouched(instance: Instance, client: ZapiClient) -> None:
    """Remove webhooks that the call did not change from `taken_urls`.

    Which ones it changes is undocumented.
    """
    with suppress(ZapiError):
        instance.taken_urls = _still_taken(instance.taken_urls, client.me())
        instance.save(update_fields=["taken_urls"])


def restore_others(instance: Instance) -> None:
    """Restore the URLs that `replace_every` replaced. Raises ActionRefusedError.

    A URL that Z-API did not restore stays in `taken_urls` for another attempt.
    """
    with _refused_on_failure():
        client = client_of(instance)
        for kind, url in instance.taken_urls.items():
            _restore_url(client, kind, url)
        if instance.taken_sent_by_me is not None:
            client.notify_sent_by_me(instance.taken_sent_by_me)
        instance.taken_urls = _still_taken(instance.taken_urls, client.me())
        instance.taken_sent_by_me = None
        instance.save(update_fields=["taken_urls", "taken_sent_by_me"])
    if instance.taken_urls:
        names = (Webhook(kind=kind).get_kind_display() for kind in instance.taken_urls)
        raise ActionRefusedError(Problem.OTHERS_NOT_RESTORED, ", ".join(names))


def _restore_url(client: ZapiClient, kind: str, url: str) -> None:
    try:
        client.set_webhook(kind, url)
    except ZapiError:
        # Ignore the error if the call is undocumented (a guess) or the URL is empty (Z-API may
        # refuse it).
        if url and has_call(kind):
            raise


def _still_taken(urls: Mapping[str, str], me: Me) -> dict[str, str]:
    return {kind: url for kind, url in urls.items() if me.webhook_url(kind) != url}


def _keep_previous(webhook: Webhook, found_url: str) -> None:
    webhook.wanted = True
    if is_foreign(found_url):
        webhook.previous_url = found_url
        agree_to_replace(webhook, found_url)
    webhook.save(update_fields=["wanted", "previous_url"])


@contextmanager
def _refused_on_failure() -> Iterator[None]:
    try:
        yield
    except FAILURES as error:
        raise ActionRefusedError(error.problem, *error.values) from None
