"""Marks the hours that callbacks changed, to be recounted."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime

from django.db.models.functions import TruncHour

from messages.ingest.callback_batch import CallbackBatch
from messages.models import StatusEvent, TouchedHour

_Hour = tuple[int, datetime]


def mark_touched(batch: CallbackBatch) -> None:
    """Mark the hours of the callbacks' messages, in the caller's transaction."""
    by_instance: dict[int, set[str]] = defaultdict(set)
    for callback, report in batch.applied:
        by_instance[callback.instance_id].update(report.message_ids)
    mark({hour for pk, ids in by_instance.items() for hour in _hours_of(pk, ids)})


def mark(hours: Iterable[_Hour]) -> None:
    marks = [TouchedHour(instance_id=pk, hour=hour) for pk, hour in sorted(hours)]
    TouchedHour.objects.bulk_create(marks)


def _hours_of(instance_id: int, message_ids: Iterable[str]) -> Iterable[_Hour]:
    """The hours of all events: a late report of an earlier step moves the message's hour."""
    events = StatusEvent.objects.filter(
        message__instance=instance_id, message__zapi_id__in=list(message_ids)
    )
    hours = events.annotate(hour=TruncHour("occurred_at", tzinfo=UTC)).values_list("hour")
    return {(instance_id, hour) for (hour,) in hours.distinct()}
