"""Compare what Z-API reports about an instance with what is wanted. Nothing here calls Z-API."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from django.db.models import Q
from django.utils import timezone

from messages.domain.problems import Problem, ProblemError
from messages.models import (
    Instance,
    OtherKind,
    SecretUnreadableError,
    Webhook,
    WebhookKind,
    WebhookState,
)
from messages.models.due import is_ahead
from messages.zapi.client import ConnectionStatus, Me, ZapiClient, ZapiError

from .webhook_urls import is_ours, webhook_url

# The errors of a call to Z-API about an instance.
FAILURES: Final = (ZapiError, SecretUnreadableError)
# What Z-API calls, or why it could not be asked.
Observed = Me | ProblemError

# The maximum length of the database column. A longer URL could not be restored, so it is never
# replaced.
MAX_URL_LENGTH: Final = 500
VERIFIED = ("wanted", "state", "found_url", "checked_at", "tried_at", *Webhook.PROBLEM)


@dataclass(frozen=True, slots=True)
class DesiredState:
    """The desired state of a webhook when the call to Z-API began.

    People may change it meanwhile.
    """

    wanted: bool | None
    asked_at: datetime | None

    @classmethod
    def of(cls, webhook: Webhook) -> Self:
        return cls(webhook.wanted, webhook.asked_at)

    def save(self, webhook: Webhook, names: Iterable[str], *conditions: Q) -> None:
        """Save these fields, unless somebody changed the desired state since the call began."""
        values = {name: getattr(webhook, name) for name in names}
        # If `wanted` was null, another answer may have set it to the same value meanwhile.
        same = Q(wanted=self.wanted) | Q(wanted=webhook.wanted)
        Webhook.objects.filter(same, *conditions, pk=webhook.pk, asked_at=self.asked_at).update(
            **values
        )


def client_of(instance: Instance) -> ZapiClient:
    """Return a Z-API client for the instance. Raises one of FAILURES."""
    if instance.shown_id != instance.zapi_id:
        raise ZapiError(Problem.UNUSABLE_ID)
    return ZapiClient(
        instance.zapi_id, instance.token.reveal(), instance.account.client_token.reveal()
    )


def webhooks_of(instance: Instance) -> dict[str, Webhook]:
    """Return the webhooks of the instance by kind, and create those that are missing.

    That of inbound messages is among them only if it was chosen.
    """
    known = {webhook.kind: webhook for webhook in instance.webhooks.all()}
    for kind in WebhookKind.values:
        if kind not in known:
            known[kind], _created = Webhook.objects.get_or_create(instance=instance, kind=kind)
    for webhook in known.values():
        webhook.instance = instance
    return {kind: known[kind] for kind in used_kinds(known)}


def used_kinds(known: Mapping[str, Webhook]) -> list[str]:
    """The kinds that are pushed and verified."""
    inbound = known.get(OtherKind.RECEIVED)
    chosen = [OtherKind.RECEIVED.value] if inbound and inbound.wanted else []
    return [*WebhookKind.values, *chosen]


def other_urls(me: Me) -> dict[str, str]:
    """Return the URLs of the webhooks that Statusboard does not use, by kind."""
    return {kind: url for kind, url in me.webhook_urls.items() if kind not in WebhookKind.values}


def is_foreign(url: str) -> bool:
    return bool(url) and not is_ours(url)


def is_taken(webhook: Webhook) -> bool:
    """Whether Z-API calls another system's URL that nobody has agreed to replace."""
    found = webhook.found_url
    is_agreed = found == webhook.replaces_url and len(found) < MAX_URL_LENGTH
    return is_foreign(found) and not is_agreed


def observe(webhooks: Iterable[Webhook], observed: Observed) -> None:
    """Compare what Z-API calls, or why it could not be asked, with what is wanted. Saves nothing.

    If /me does not contain a URL, the URL found before stays and the state is unreachable.
    """
    for webhook in webhooks:
        url: str | None = None
        problem: Problem | None
        if isinstance(observed, Me):
            url, problem = observed.webhook_urls.get(webhook.kind), Problem.URL_NOT_REPORTED
        else:
            problem = observed.problem
        if url is None:
            webhook.state = WebhookState.UNREACHABLE
        else:
            webhook.found_url, webhook.checked_at = url[:MAX_URL_LENGTH], timezone.now()
            if webhook.wanted is None and is_ours(webhook.found_url):
                webhook.wanted = webhook.kind != WebhookKind.MESSAGE_STATUS or None
            problem = _difference(webhook)
            webhook.state = WebhookState.DIFFERS if problem else WebhookState.IN_SYNC
        if not webhook.is_wanted:
            webhook.state, problem = WebhookState.OFF, None
        webhook.set_problem(problem)


def _difference(webhook: Webhook) -> Problem | None:
    if webhook.found_url == webhook_url(webhook.instance):
        return None
    if is_taken(webhook):
        return Problem.URL_TAKEN
    return Problem.URL_OUTDATED if webhook.found_url else Problem.URL_MISSING


def save_observed(
    instance: Instance,
    observed: Observed,
    *,
    asked_at: datetime,
    connection: ConnectionStatus | None = None,
) -> None:
    """Save the result of a call made at `asked_at`, without overwriting newer results.

    After an answer, webhooks whose URL it does not contain stay unchanged. After an error, unwanted
    webhooks stay unchanged.
    """
    webhooks = [
        one
        for one in webhooks_of(instance).values()
        if (one.kind in observed.webhook_urls if isinstance(observed, Me) else one.is_wanted)
    ]
    desired = [DesiredState.of(webhook) for webhook in webhooks]
    observe(webhooks, observed)
    now = timezone.now()
    # A push may have been checked since.
    older = Q(checked_at=None) | Q(checked_at__lte=asked_at) | is_ahead("checked_at", now)
    for webhook, before in zip(webhooks, desired, strict=True):
        webhook.tried_at = now
        before.save(webhook, VERIFIED, older)
    if isinstance(observed, Me):
        save_instance(instance, observed, connection or observed.connection, asked_at=asked_at)


def save_instance(
    instance: Instance, me: Me, connection: ConnectionStatus, *, asked_at: datetime
) -> None:
    if me.names_due:
        instance.due_at = me.due_at
    instance.payment_status = me.payment_status or instance.payment_status
    instance.checked_at = timezone.now()
    if me.filters is not None:
        instance.filters = list(me.filters)
    if me.auto_read is not None:
        instance.auto_read = me.auto_read
    instance.save(update_fields=["due_at", "payment_status", "checked_at", "filters", "auto_read"])
    if connection.connected is not None:
        note_connection(instance, connection, asked_at)


def note_connection(instance: Instance, connection: ConnectionStatus, asked_at: datetime) -> None:
    """Save the connection, unless a callback reported a later change."""
    # Callback times are whole seconds: a callback of this second must not count as older.
    moment = asked_at.replace(microsecond=0)
    Instance.objects.filter(pk=instance.pk).note_connection(
        connected=bool(connection.connected),
        at=moment,
        status_error="" if connection.connected else connection.error,
        smartphone=connection.smartphone,
    )
