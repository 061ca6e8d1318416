"""Which hours have to be counted again after some callbacks."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from django.db.models.functions import TruncHour

from messages.models import Callback, FollowUp, Outcome, StatusEvent, TouchedHour
from messages.zapi.payloads import STATUS_TYPES, MalformedCallbackError, StatusReport, parse

_Hour = tuple[int, datetime]


def mark_touched(follow_ups: Sequence[FollowUp]) -> None:
    """Mark the hours of the callbacks' messages, each once, in the caller's transaction."""
    by_instance: dict[int, set[str]] = defaultdict(set)
    for callback in _telling(follow_ups):
        by_instance[callback.instance_id] |= _message_ids(callback)
    mark({hour for pk, ids in by_instance.items() for hour in _hours_of(pk, ids)})


def mark(hours: Iterable[_Hour]) -> None:
    marks = [TouchedHour(instance_id=pk, hour=hour) for pk, hour in sorted(hours)]
    TouchedHour.objects.bulk_create(marks)


def _telling(follow_ups: Sequence[FollowUp]) -> Iterable[Callback]:
    heard = [one.callback_id for one in follow_ups if one.type in STATUS_TYPES]
    understood = Callback.objects.filter(outcome__in=(Outcome.APPLIED, Outcome.REPEATED))
    return understood.kept().filter(pk__in=heard)


def _message_ids(callback: Callback) -> set[str]:
    with suppress(MalformedCallbackError):
        report = parse(bytes(callback.body)).report
        if isinstance(report, StatusReport):
            return set(report.message_ids)
    return set()


def _hours_of(instance_id: int, message_ids: Iterable[str]) -> Iterable[_Hour]:
    """The hour of every event: an earlier step that came late has moved its message out of one."""
    events = StatusEvent.objects.filter(
        message__instance=instance_id, message__zapi_id__in=list(message_ids)
    )
    hours = events.annotate(hour=TruncHour("occurred_at", tzinfo=UTC)).values_list("hour")
    return {(instance_id, hour) for (hour,) in hours.distinct()}
