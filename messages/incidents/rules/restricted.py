from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, Min, Q

from messages.domain.failures import FAILURES, FailureCategory
from messages.domain.statuses import Status
from messages.incidents.findings import Finding, Snapshot
from messages.models import IncidentKind, Instance, Message

# The documented signs. Other failures never mean a restriction.
SIGNS: Final = [
    code for code, one in FAILURES.items() if one.category is FailureCategory.RESTRICTED
]
# One message with Z-API's own code is enough. The other texts may concern a single message, so two
# are needed.
_CLEAR_SIGN: Final = "shadow_ban"
_MIN_SIGNS: Final = 2
# An older refusal opens no incident. In captured traffic, callbacks arrived up to 37 minutes late.
_RECENT: Final = timedelta(hours=1)
# The period in which the first refusal and the last success are searched.
_REFUSALS_WITHIN: Final = timedelta(days=1)
_SUCCESS_WITHIN: Final = timedelta(days=7)
# Older messages may be read at any time, so READ alone does not tell when a message was sent.
_ACCEPTED: Final = Q(
    Q(dispatched_at__isnull=False) | Q(sent_at__isnull=False) | Q(delivered_at__isnull=False),
    rank__in=[one.rank for one in (Status.SENT, Status.RECEIVED, Status.READ, Status.PLAYED)],
)


def restricted(snapshot: Snapshot) -> Iterator[Finding]:
    """WhatsApp limits the number: it refused messages, and accepted none that was sent later.

    Messages count by the time of sending, so late callbacks of older messages change nothing.
    """
    refused_lately = set(
        Message.objects.filter(
            failure_code__in=SIGNS,
            first_heard_at__gte=snapshot.now - _RECENT,
            started_at__gte=snapshot.now - _RECENT,
        )
        .order_by()
        .values_list("instance", flat=True)
    )
    for instance in snapshot.instances:
        incident = snapshot.open_incident(IncidentKind.RESTRICTED, instance)
        if incident or instance.pk in refused_lately:
            since = min(incident.opened_at, snapshot.now) if incident else snapshot.now
            last_success = _last_success(instance, since)
            values = _refusals(instance, since, last_success)
            is_clear = values["clear"] or values["refused"] >= _MIN_SIGNS
            if values["refused"] and (incident or is_clear):
                yield _finding(instance, last_success, **values)


def _last_success(instance: Instance, since: datetime) -> datetime | None:
    accepted = Message.objects.filter(
        _ACCEPTED, instance=instance, inbound=False, started_at__gte=since - _SUCCESS_WITHIN
    )
    return accepted.order_by("-started_at").values_list("started_at", flat=True).first()


def _refusals(instance: Instance, since: datetime, last_success: datetime | None) -> dict[str, Any]:
    """The messages that were refused after the last success."""
    refused = Message.objects.filter(
        instance=instance, failure_code__in=SIGNS, first_heard_at__gte=since - _REFUSALS_WITHIN
    )
    if last_success:
        refused = refused.filter(started_at__gt=last_success)
    return refused.aggregate(
        refused=Count("pk"),
        clear=Count("pk", filter=Q(failure_code=_CLEAR_SIGN)),
        first=Min("started_at"),
    )


def _finding(
    instance: Instance, last_success: datetime | None, *, refused: int, clear: int, first: datetime
) -> Finding:
    del clear
    gap = {"gap": int((first - last_success).total_seconds())} if last_success else {}
    values = {"refused": refused, **gap}
    return Finding(IncidentKind.RESTRICTED, instance, values=values, since=first)
