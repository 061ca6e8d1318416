"""The audit log: its filters, and its lines as CSV."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Final

from django.db.models import Q, QuerySet
from django.utils import timezone

from messages.accounts.scope import Viewer, limited_to
from messages.models import AuditEvent

from .csv_writer import csv_line

PERIODS: Final = {
    "24h": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
COLUMNS: Final = ("when", "who", "address", "action", "instance", "message", "recipient", "details")
_CHUNK: Final = 1000


def audit_events(user: Viewer, chosen: Mapping[str, str]) -> QuerySet[AuditEvent]:
    """The filtered events, newest first. `chosen` holds the query parameters."""
    found = limited_to(user, AuditEvent.objects.select_related("instance"))
    return found.filter(*_conditions(chosen)).order_by("-id")


def audit_lines(
    events: QuerySet[AuditEvent],
    between: str,
    on_progress: Callable[[int], None] = lambda count: None,
) -> Iterator[bytes]:
    """The CSV in chunks, without a long transaction. `on_progress` gets the number of lines."""
    yield f"{csv_line(COLUMNS, between)}".encode()
    count, rest = 0, events
    while chunk := list(rest[:_CHUNK]):
        yield "".join(csv_line(_cells(event), between) for event in chunk).encode()
        count += len(chunk)
        on_progress(count)
        rest = events.filter(pk__lt=chunk[-1].pk)


def details_in_words(event: AuditEvent) -> str:
    """The details as text, e.g. "role: Admin, fields: name, token"."""
    return ", ".join(f"{name}: {plain(value)}" for name, value in event.details.items())


def _conditions(chosen: Mapping[str, str]) -> Iterator[Q]:
    if who := chosen.get("who"):
        yield Q(actor_name__icontains=who)
    if action := chosen.get("action"):
        yield Q(action=action)
    if instance := chosen.get("instance"):
        yield Q(instance=instance)
    if person := chosen.get("person"):
        yield Q(recipient__in=person.split("."))
    if period := chosen.get("period"):
        yield Q(at__gte=timezone.now() - PERIODS[period])


def _cells(event: AuditEvent) -> tuple[object, ...]:
    return (
        event.at.isoformat(timespec="seconds"),
        event.actor_name,
        event.address,
        event.action,
        event.instance.shown_id if event.instance else "",
        event.message_pk or "",
        event.recipient,
        details_in_words(event),
    )


def plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
