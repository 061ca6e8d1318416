"""Marks hours to be recounted: those that callbacks changed, and the last weeks every night."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from django.core.cache import cache
from django.db.models.functions import TruncHour
from django.utils import timezone

from messages.ingest.callback_batch import CallbackBatch
from messages.models import DataKind, HourlySummary, Message, Retention, StatusEvent, TouchedHour

DAYS: Final = 35
# The hour of the sweep, in UTC. It is night in Brazil then.
_NIGHT: Final = timedelta(hours=5)
_PURGE_MARGIN: Final = timedelta(days=1)


def sweep() -> int:
    """Mark the hours of the last weeks for a recount.

    This runs once a night: only the first worker that calls this function does it.

    After an installation this happens at once.
    """
    now = timezone.now()
    night = (now - _NIGHT).date()
    if not cache.add(f"summaries-swept-{night}", True, timeout=2 * 24 * 3600):
        return 0
    return mark_since(now - min(timedelta(days=DAYS), _kept() - _PURGE_MARGIN))


def _kept() -> timedelta:
    """How long messages are kept.

    Older hours are not recounted, because their messages may be purged and the counts would fall.
    """
    days = Retention.objects.filter(kind=DataKind.MESSAGES).values_list("days", flat=True).first()
    return timedelta.max if days is None else timedelta(days=days)


def mark_since(start: datetime) -> int:
    """Mark all hours since `start` that have messages or a summary."""
    started = Message.objects.filter(started_at__gte=start)
    with_hour = started.annotate(hour=TruncHour("started_at", tzinfo=UTC))
    hours = set(with_hour.values_list("instance_id", "hour").distinct())
    summed = HourlySummary.objects.filter(hour__gte=start)
    hours |= set(summed.values_list("instance_id", "hour").distinct())
    mark(hours)
    return len(hours)


_Hour = tuple[int, datetime]


def mark_touched(batch: CallbackBatch) -> None:
    """Mark the hours of the callbacks' messages, in the caller's transaction."""
    by_instance: dict[int, set[str]] = defaultdict(set)
    for callback, report in batch.applied:
        by_instance[callback.instance_id].update(report.message_ids)
    mark({hour for pk, ids in by_instance.items() for hour in _hours_of(pk, ids)})


def mark(hours: Iterable[_Hour]) -> None:
    # By hour: hours that follow each other are counted in one query for all instances.
    by_hour = sorted(hours, key=lambda pair: pair[::-1])
    marks = [TouchedHour(instance_id=pk, hour=hour) for pk, hour in by_hour]
    TouchedHour.objects.bulk_create(marks)


def _hours_of(instance_id: int, message_ids: Iterable[str]) -> Iterable[_Hour]:
    """The hours of all events: a late report of an earlier step moves the message's hour."""
    events = StatusEvent.objects.filter(
        message__instance=instance_id, message__zapi_id__in=list(message_ids)
    )
    hours = events.annotate(hour=TruncHour("occurred_at", tzinfo=UTC)).values_list("hour")
    return {(instance_id, hour) for (hour,) in hours.distinct()}
