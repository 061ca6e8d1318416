"""Push our webhook URL to Z-API and check it. Calls are made outside of transactions."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final

from django.utils import timezone

from messages.domain.problems import Problem, is_permanent
from messages.models import Instance, Webhook, WebhookKind, WebhookState
from messages.models.due import LeaseQuerySet, Waits, is_due_after
from messages.zapi.client import Me, ZapiClient, ZapiError
from messages.zapi.webhook_kinds import has_call

from .sync import (
    FAILURES,
    VERIFIED,
    DesiredState,
    client_of,
    is_foreign,
    is_taken,
    observe,
    other_urls,
    save_instance,
    webhooks_of,
)
from .webhook_urls import is_ours, webhook_url, why_push_is_off

# After the lease another worker may take the push. Its six calls take at most 30 seconds each.
WAITS = Waits(lease=timedelta(minutes=10), first=timedelta(minutes=1), longest=timedelta(hours=6))
MAX_TRIES = 12
# A value for `replacing`: any URL may be replaced.
ANYTHING: Final = "*"

# The fields that are saved after a push. Other fields are saved before or during it.
_RESULT = (*VERIFIED, "retry_at", "tries")


def push(
    instance: Instance, kind: str = WebhookKind.MESSAGE_STATUS, *, replacing: str = ""
) -> Webhook:
    """Push our URL for one kind and check it. The returned webhook has the result.

    `problem` is '' on success. Another system's URL is replaced only if it equals `replacing`,
    `replacing` is ANYTHING, or a person agreed earlier.
    """
    webhook = webhooks_of(instance)[kind]
    webhook.wanted = True
    webhook.save(update_fields=["wanted"])
    _push([webhook], replacing)
    return webhook


def push_wanted(instance: Instance, *, replacing: str = "") -> list[Webhook]:
    """Push our URL for each kind that is wanted or undecided and not used by another system."""
    webhooks = list(webhooks_of(instance).values())
    _push(webhooks, replacing)
    return [webhook for webhook in webhooks if webhook.is_wanted]


def queue_push(webhooks: Iterable[Webhook]) -> None:
    """Queue a push for the worker, so that no page waits for Z-API."""
    now = timezone.now()
    for webhook in webhooks:
        webhook.asked_at = webhook.retry_at = now
        webhook.tries = 0
        webhook.set_problem()
        webhook.save(update_fields=["wanted", "asked_at", "retry_at", "tries", *Webhook.PROBLEM])


def agree_to_replace(webhook: Webhook, url: str) -> None:
    """Allow our URL to replace this one, after a person has seen it."""
    webhook.replaces_url = url
    webhook.save(update_fields=["replaces_url"])


def due_pushes() -> LeaseQuerySet[Webhook]:
    is_due = is_due_after("retry_at", timezone.now(), WAITS)
    return Webhook.objects.filter(is_due, instance__archived_at=None).order_by("retry_at")


def run_due_pushes(most: int = 20) -> int:
    """Run queued pushes and retries. Several workers can do this at the same time."""
    done = 0
    while done < most and (webhooks := _claim()):
        _push(webhooks)
        done += len(webhooks)
    return done


def _claim() -> list[Webhook]:
    """Lease the due pushes of the next instance."""
    with (
        due_pushes().claim() as first,
        due_pushes()
        .filter(instance__in=[one.instance_id for one in first])
        .select_related("instance__account")
        .claim(most=None) as webhooks,
    ):
        lease = timezone.now() + WAITS.lease
        Webhook.objects.filter(pk__in=[one.pk for one in webhooks]).update(retry_at=lease)
    return webhooks


def _push(webhooks: Sequence[Webhook], replacing: str = "") -> None:
    """Try once and save the result. All webhooks belong to one instance."""
    desired = [DesiredState.of(webhook) for webhook in webhooks]
    if replacing:
        for webhook in webhooks:
            webhook.tries = 0
    try:
        _attempt(webhooks, replacing)
    except FAILURES as error:
        for webhook in webhooks:
            webhook.set_problem(error.problem if webhook.is_wanted else None)
    for webhook, before in zip(webhooks, desired, strict=True):
        webhook.tried_at = timezone.now()
        _schedule_retry(webhook)
        before.save(webhook, _RESULT)


def _attempt(webhooks: Sequence[Webhook], replacing: str) -> None:
    instance = webhooks[0].instance
    if reason := why_push_is_off():
        raise ZapiError(reason)
    for webhook in webhooks:  # the state until the answer of /me is known
        webhook.state = WebhookState.UNREACHABLE if webhook.is_wanted else WebhookState.OFF
    client, asked_at = client_of(instance), timezone.now()
    me = client.me()
    observe(webhooks, me)
    save_instance(instance, me, me.connection, asked_at=asked_at)
    for webhook in webhooks:
        if webhook.wanted is None and webhook.kind != WebhookKind.MESSAGE_STATUS:
            webhook.wanted = not is_foreign(webhook.found_url)
        if replacing and replacing in (ANYTHING, webhook.found_url) and webhook.is_wanted:
            agree_to_replace(webhook, webhook.found_url)
        if webhook.is_wanted and not is_taken(webhook):
            _set_url(webhook, client)
    _renew_others(instance, me, client)
    observe(webhooks, client.me())
    for webhook in webhooks:
        # Z-API reports another URL than the one that was just set.
        if webhook.problem == Problem.URL_OUTDATED:
            webhook.set_problem(Problem.URL_NOT_KEPT)


def _set_url(webhook: Webhook, client: ZapiClient) -> None:
    if is_foreign(webhook.found_url):
        # Save the URL before it is replaced: it cannot be read later.
        webhook.previous_url = webhook.found_url
        webhook.save(update_fields=["previous_url"])
    url = webhook_url(webhook.instance)
    client.set_webhook(webhook.kind, url)
    names = ["pushed_url", "pushed_at"]
    if webhook.pushed_url != url:
        webhook.heard_at = None
        names.append("heard_at")
    webhook.pushed_url, webhook.pushed_at = url, timezone.now()
    # Save now, so that the page shows this step while the next one runs.
    webhook.save(update_fields=names)


def _renew_others(instance: Instance, me: Me, client: ZapiClient) -> None:
    """If all hooks were replaced, also set our new URL for hooks that Statusboard does not use."""
    url = webhook_url(instance)
    outdated = [kind for kind, found in other_urls(me).items() if found != url and is_ours(found)]
    for kind in filter(has_call, outdated):
        client.set_webhook(kind, url)
    # Hooks without their own call can only be set together with all hooks. Do that only if no hook
    # has another system's URL.
    if not all(map(has_call, outdated)) and not any(map(is_foreign, me.webhook_urls.values())):
        client.set_every_webhook(url, sent_by_me=bool(me.sent_by_me))


def _schedule_retry(webhook: Webhook) -> None:
    webhook.tries = webhook.tries + 1 if webhook.problem else 0
    may_pass = bool(webhook.problem) and not is_permanent(webhook.problem)
    is_retried = may_pass and webhook.tries < MAX_TRIES
    webhook.retry_at = timezone.now() + WAITS.after(webhook.tries) if is_retried else None
