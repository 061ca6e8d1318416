"""Messages over time per instance, for small charts."""

from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db.models import BigIntegerField, ExpressionWrapper, QuerySet, Sum

from messages.accounts.scope import Viewer
from messages.models import HourlySummary
from messages.models.functions import Epoch

from .days import DAY
from .selection import Selection

_HOUR: Final = timedelta(hours=1)
_HALF_DAY: Final = 12 * 60 * 60  # seconds
# More points than this would be too thin in a small chart.
MAX_POINTS: Final = 32
# Longer periods are read by days.
_MAX_HOURS: Final = timedelta(days=8)


class Point(NamedTuple):
    messages: int = 0
    failed: int = 0


def series(user: Viewer, selection: Selection) -> dict[int, list[Point]]:
    """For each instance, equal parts of the period, at most MAX_POINTS."""
    length = selection.until - selection.since
    is_short = length <= _MAX_HOURS
    unit = _HOUR if is_short else DAY
    step = unit * -(-length // (unit * MAX_POINTS))
    parts = [selection.hours(user)] if is_short else selection.whole_days_and_other_hours(user)
    found: dict[int, list[Point]] = {}
    for part in parts:
        for instance, place, messages, failed in _sums(part, selection.since, step):
            points = found.setdefault(instance, [Point()] * -(-length // step))
            before = points[place]
            points[place] = Point(before.messages + messages, before.failed + failed)
    return found


def _sums(rows: QuerySet[Any], since: datetime, step: timedelta) -> QuerySet[Any]:
    """One row per instance and part of the period."""
    # A day belongs to the part that contains most of it.
    start = Epoch("hour") if rows.model is HourlySummary else Epoch("day") + _HALF_DAY
    seconds = (start - int(since.timestamp())) / int(step.total_seconds())
    place = ExpressionWrapper(seconds, BigIntegerField())
    by_place = rows.annotate(place=place).values_list("instance_id", "place").order_by()
    sums: QuerySet[Any] = by_place.annotate(Sum("messages"), Sum("failed"))
    return sums
