"""Our URL told to Z-API, and read back. Calls are made outside of any transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from messages.models import Instance, SecretUnreadableError, Webhook, WebhookKind, WebhookState
from messages.zapi.client import ZapiClient, ZapiError
from messages.zapi.errors import Problem

from .addresses import is_ours, webhook_url, why_push_is_off

FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=6)
MOST_TRIES = 12
# A claimed push is another worker's after this; three calls of 30 s each are long over by then.
LEASE = timedelta(minutes=10)

# Not previous_url: a verification that began before a push must not write an older one back.
_RESULT = (
    *("state", "found_url", "checked_at", "problem"),
    *("pushed_url", "pushed_at", "retry_at", "tries"),
)

_NOT_KEPT = Problem(
    _(
        "Z-API accepted the URL, yet still shows another one. Somebody else may be setting it; "
        "push again, or set it by hand in Z-API's panel."
    )
)
_DRIFTED = Problem(
    _(
        "Z-API calls another URL, so this board hears nothing. Push again to take it back; the "
        "other one is kept here."
    ),
    permanent=True,
)
_MISSING = Problem(
    _("Z-API has no URL to call, so this board hears nothing. Push again to set it."),
    permanent=True,
)


def push(instance: Instance, kind: str = WebhookKind.MESSAGE_STATUS) -> Webhook:
    """Set our URL at Z-API and read it back. What came of it is on the webhook that is given back.

    `problem` is '' where all went well.
    """
    webhook = _webhook(instance, kind)
    webhook.tries = 0
    return _push(webhook)


def verify(instance: Instance, kind: str = WebhookKind.MESSAGE_STATUS) -> Webhook:
    """Read back what Z-API calls. Changes nothing there, and leaves a push that is due as it is."""
    webhook = _webhook(instance, kind)
    with _remembered(webhook, will_retry=False):
        _read_back(webhook, _client(instance))
        _compare(webhook, _DRIFTED)
    return webhook


def due_pushes() -> QuerySet[Webhook]:
    return Webhook.objects.filter(
        retry_at__lte=timezone.now(), instance__archived_at=None
    ).order_by("retry_at")


def retry_due_pushes(most: int = 20) -> int:
    """Push again what failed and may work now. Any number of workers may do so side by side."""
    done = 0
    while done < most and (webhook := _claim()):
        _push(webhook)
        done += 1
    return done


@transaction.atomic
def _claim() -> Webhook | None:
    """Take the next due push, and move it out of the others' sight for a while."""
    webhook = (
        due_pushes()
        .select_related("instance__account")
        .select_for_update(skip_locked=True, of=("self",))
        .first()
    )
    if webhook:
        webhook.retry_at = timezone.now() + LEASE
        webhook.save(update_fields=["retry_at"])
    return webhook


def _webhook(instance: Instance, kind: str) -> Webhook:
    webhook, _created = Webhook.objects.get_or_create(instance=instance, kind=kind)
    webhook.instance = instance
    return webhook


def _client(instance: Instance) -> ZapiClient:
    return ZapiClient(
        instance.zapi_id, instance.token.reveal(), instance.account.client_token.reveal()
    )


def _push(webhook: Webhook) -> Webhook:
    instance = webhook.instance
    with _remembered(webhook, will_retry=True):
        if reason := why_push_is_off():
            raise ZapiError(Problem(reason, permanent=True))
        client, url = _client(instance), webhook_url(instance)
        _read_back(webhook, client)
        if webhook.found_url and not is_ours(webhook.found_url):
            # Before it is overwritten: it can be asked for nowhere afterwards.
            webhook.previous_url = webhook.found_url
            webhook.save(update_fields=["previous_url"])
        client.set_webhook(webhook.kind, url)
        webhook.pushed_url, webhook.pushed_at = url, timezone.now()
        _read_back(webhook, client)
        _compare(webhook, _NOT_KEPT)
    return webhook


def _read_back(webhook: Webhook, client: ZapiClient) -> None:
    webhook.state = WebhookState.UNREACHABLE  # unless the next line comes back
    me = client.me()
    webhook.found_url = me.webhook_url(webhook.kind)
    webhook.checked_at = timezone.now()
    is_in_sync = webhook.found_url == webhook_url(webhook.instance)
    webhook.state = WebhookState.IN_SYNC if is_in_sync else WebhookState.DIFFERS
    if me.connected is not None:
        _note_connection(webhook.instance, me.connected)


def _compare(webhook: Webhook, problem: Problem) -> None:
    if webhook.state != WebhookState.IN_SYNC:
        raise ZapiError(problem if webhook.found_url else _MISSING)


def _note_connection(instance: Instance, connected: bool) -> None:
    """What /me says now counts until a callback tells of a later change."""
    # Callbacks tell time in whole seconds: one of this very second must not count as older.
    now = timezone.now().replace(microsecond=0)
    Instance.objects.filter(pk=instance.pk).exclude(connected=connected).update(
        connected=connected, connection_changed_at=now, connection_reason=""
    )


@contextmanager
def _remembered(webhook: Webhook, *, will_retry: bool) -> Iterator[None]:
    """Store on the webhook how the calls within ended."""
    try:
        yield
    except ZapiError as error:
        webhook.problem = _source(error.words)
        if will_retry:
            _plan_retry(webhook, error.permanent)
    except SecretUnreadableError as error:
        webhook.problem = str(error)
        webhook.retry_at = None
    else:
        webhook.problem, webhook.retry_at, webhook.tries = "", None, 0
    webhook.save(update_fields=_RESULT)


def _plan_retry(webhook: Webhook, permanent: bool) -> None:
    webhook.tries += 1
    if permanent or webhook.tries >= MOST_TRIES:
        webhook.retry_at = None
    else:
        wait = min(FIRST_WAIT * 2 ** (webhook.tries - 1), LONGEST_WAIT)
        webhook.retry_at = timezone.now() + wait


def _source(words: Promise) -> str:
    """Give the words in the source language; `Webhook.words` translates them for each reader."""
    with translation.override(None):
        return str(words)
