"""Our URL told to Z-API, and read back. Calls are made outside of any transaction."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from messages.models import Instance, Webhook, WebhookKind, WebhookState
from messages.models.due import Waits, is_due_after
from messages.zapi.client import Me, ZapiClient, ZapiError
from messages.zapi.errors import Problem
from messages.zapi.webhook_kinds import has_call

from .sync import (
    FAILURES,
    NOT_TOLD,
    Wish,
    client_of,
    is_foreign,
    is_taken,
    note_instance,
    other_urls,
    problem_of,
    read_into,
    source,
    webhooks_of,
    words_of,
)
from .webhook_urls import is_ours, webhook_url, why_push_is_off

# A claimed push is another worker's after the lease; its six calls of 30 s are long over by then.
WAITS = Waits(lease=timedelta(minutes=10), first=timedelta(minutes=1), longest=timedelta(hours=6))
MAX_TRIES = 12
# Agrees to replace whatever is there.
ANYTHING: Final = "*"

# Not what is saved before and during the push: an older value must not be written back.
_RESULT = ("wanted", "state", "found_url", "checked_at", "tried_at", "problem", "retry_at", "tries")

_NOT_KEPT = Problem(
    _(
        "Z-API accepted the URL, yet still shows another one. Somebody else may be setting it; "
        "push again, or set it by hand in Z-API’s panel."
    )
)


def push(
    instance: Instance, kind: str = WebhookKind.MESSAGE_STATUS, *, replacing: str = ""
) -> Webhook:
    """Set our URL for one kind, and read it back. What came of it is on the webhook given back.

    `problem` is '' where all went well. Somebody else's URL is only replaced where it is
    `replacing`, was agreed to earlier, or ANYTHING is to be.
    """
    webhook = webhooks_of(instance)[kind]
    webhook.wanted = True
    webhook.save(update_fields=["wanted"])
    _push([webhook], replacing)
    return webhook


def push_wanted(instance: Instance, *, replacing: str = "") -> list[Webhook]:
    """Set our URL for each kind that is wanted; of the others, those that nobody else has."""
    webhooks = list(webhooks_of(instance).values())
    _push(webhooks, replacing)
    return [webhook for webhook in webhooks if webhook.is_wanted]


def ask_for_push(webhooks: Iterable[Webhook]) -> None:
    """Have the worker push these at once: nobody has to wait in a page for Z-API."""
    now = timezone.now()
    for webhook in webhooks:
        webhook.asked_at = webhook.retry_at = now
        webhook.tries, webhook.problem = 0, ""
        webhook.save(update_fields=["wanted", "asked_at", "retry_at", "tries", "problem"])


def agree_to_replace(webhook: Webhook, url: str) -> None:
    """Somebody has seen whose URL it is, and said that ours may take its place."""
    webhook.replaces_url = url
    webhook.save(update_fields=["replaces_url"])


def due_pushes() -> QuerySet[Webhook]:
    is_due = is_due_after("retry_at", timezone.now(), WAITS)
    return Webhook.objects.filter(is_due, instance__archived_at=None).order_by("retry_at")


def retry_due_pushes(most: int = 20) -> int:
    """Push what was asked for, and again what failed and may work now.

    Any number of workers may do so side by side.
    """
    done = 0
    while done < most and (webhooks := _claim()):
        _push(webhooks)
        done += len(webhooks)
    return done


def _claim() -> list[Webhook]:
    """Take the next instance's due pushes, and move them out of the others' sight for a while."""
    # Looked at without a lock: on SQLite, asking in vain must not stop the door from writing.
    if not due_pushes().exists():
        return []
    with transaction.atomic():
        first = due_pushes().select_for_update(skip_locked=True, of=("self",)).first()
        if first is None:
            return []
        due = (
            due_pushes()
            .filter(instance=first.instance_id)
            .select_related("instance__account")
            .select_for_update(skip_locked=True, of=("self",))
        )
        webhooks = list(due)
        lease = timezone.now() + WAITS.lease
        Webhook.objects.filter(pk__in=[one.pk for one in webhooks]).update(retry_at=lease)
    return webhooks


def _push(webhooks: Sequence[Webhook], replacing: str = "") -> None:
    """One attempt, whose result is saved. All webhooks are of one instance."""
    wishes = [Wish.of(webhook) for webhook in webhooks]
    if replacing:
        for webhook in webhooks:
            webhook.tries = 0
    failure: Exception | None = None
    try:
        _attempt(webhooks, replacing)
    except FAILURES as error:
        failure = error
    for webhook, wish in zip(webhooks, wishes, strict=True):
        webhook.tried_at = timezone.now()
        _conclude(webhook, failure)
        wish.save(webhook, _RESULT)


def _attempt(webhooks: Sequence[Webhook], replacing: str) -> None:
    instance = webhooks[0].instance
    for webhook in webhooks:
        webhook.state = WebhookState.UNREACHABLE  # unless /me comes back
    if reason := why_push_is_off():
        raise ZapiError(Problem(reason, permanent=True))
    client, asked_at = client_of(instance), timezone.now()
    me = client.me()
    read_into(webhooks, me)
    note_instance(instance, me, me.connection, asked_at=asked_at)
    for webhook in webhooks:
        _decide(webhook, replacing)
        if webhook.is_wanted and not is_taken(webhook):
            _set(webhook, client)
    _renew_others(instance, me, client)
    read_into(webhooks, client.me())


def _decide(webhook: Webhook, replacing: str) -> None:
    """Whether the webhook is to be ours, now that its URL is known."""
    if webhook.wanted is None and webhook.kind != WebhookKind.MESSAGE_STATUS:
        webhook.wanted = not is_foreign(webhook.found_url)
    if replacing and replacing in (ANYTHING, webhook.found_url) and webhook.is_wanted:
        agree_to_replace(webhook, webhook.found_url)


def _set(webhook: Webhook, client: ZapiClient) -> None:
    if is_foreign(webhook.found_url):
        # Before it is overwritten: it can be asked for nowhere afterwards.
        webhook.previous_url = webhook.found_url
        webhook.save(update_fields=["previous_url"])
    url = webhook_url(webhook.instance)
    client.set_webhook(webhook.kind, url)
    names = ["pushed_url", "pushed_at"]
    if webhook.pushed_url != url:
        webhook.heard_at = None
        names.append("heard_at")
    webhook.pushed_url, webhook.pushed_at = url, timezone.now()
    # At once, so that a page shows this step while the next one is still to come.
    webhook.save(update_fields=names)


def _renew_others(instance: Instance, me: Me, client: ZapiClient) -> None:
    """Where every hook was taken, those that no webhook here stands for follow a new URL."""
    url = webhook_url(instance)
    outdated = [kind for kind, found in other_urls(me).items() if found != url and is_ours(found)]
    for kind in filter(has_call, outdated):
        client.set_webhook(kind, url)
    # The others can only be set with all the rest, which may be somebody else's.
    if not all(map(has_call, outdated)) and not any(map(is_foreign, me.webhook_urls.values())):
        client.set_every_webhook(url, sent_by_me=bool(me.sent_by_me))


def _conclude(webhook: Webhook, failure: Exception | None) -> None:
    problem = None if failure else _problem_after_push(webhook)
    if not webhook.is_wanted:
        webhook.state = WebhookState.OFF
        webhook.problem, webhook.retry_at, webhook.tries = "", None, 0
    elif failure:
        webhook.problem = words_of(failure)
        _plan_retry(webhook, permanent=getattr(failure, "permanent", True))
    elif problem:
        webhook.problem = source(problem.words)
        _plan_retry(webhook, permanent=problem.permanent)
    else:
        webhook.problem, webhook.retry_at, webhook.tries = "", None, 0


def _problem_after_push(webhook: Webhook) -> Problem | None:
    if webhook.state == WebhookState.UNREACHABLE:
        return NOT_TOLD
    problem = problem_of(webhook)
    was_set = problem and webhook.found_url and not is_taken(webhook)
    return _NOT_KEPT if was_set else problem


def _plan_retry(webhook: Webhook, *, permanent: bool) -> None:
    webhook.tries += 1
    if permanent or webhook.tries >= MAX_TRIES:
        webhook.retry_at = None
    else:
        webhook.retry_at = timezone.now() + WAITS.after(webhook.tries)
