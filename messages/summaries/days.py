"""Daily summaries (UTC), summed in the transaction that writes the hourly ones."""

import operator
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce
from typing import Final

from django.db import connection, models
from django.db.models import Max, Q, Sum
from django.db.models.functions import TruncDate
from django.db.models.lookups import In

from messages.models import DailySummary, HourlySummary
from messages.models.functions import Unindexed

DAY: Final = timedelta(days=1)
# The instances to sum up on each day.
Days = Mapping[date, Collection[int]]
_SUMMED: Final = [
    field.name
    for field in DailySummary._meta.concrete_fields
    if isinstance(field, models.IntegerField) and not field.primary_key
]
# The id of the advisory lock: an arbitrary number that no other lock uses.
_LOCK: Final = 0x5D41_5355


def sum_days(hours: Iterable[tuple[int, datetime]]) -> None:
    """Recompute the days that contain these hours."""
    days = by_day(hours)
    if not days:
        return
    _lock()
    found = HourlySummary.objects.filter(any_of(on_days("hour", days)))
    kinds = found.values("instance_id", "is_group", day=TruncDate("hour", tzinfo=UTC))
    sums = {name: Sum(name) for name in _SUMMED}
    rows = list(kinds.annotate(**sums, computed_at=Max("computed_at")).order_by())
    DailySummary.objects.filter(any_of(rows_of_days(days))).delete()
    DailySummary.objects.bulk_create(DailySummary(**row) for row in rows)


def whole_days(since: datetime, until: datetime) -> tuple[datetime, datetime]:
    """The first and last midnight in the period.

    If it contains no whole day, first > last or first = last.
    """
    return _midnight(since + DAY - timedelta.resolution), _midnight(until)


def by_day(hours: Iterable[tuple[int, datetime]]) -> Days:
    days: dict[date, set[int]] = defaultdict(set)
    for instance, hour in hours:
        days[hour.astimezone(UTC).date()].add(instance)
    return days


def on_days(field: str, days: Days) -> Iterator[Q]:
    """For each day, the condition for times on it."""
    for day, instances in days.items():
        midnight = datetime.combine(day, time(), UTC)
        # Scan one range of the index on times, instead of one index lookup per instance.
        theirs = Q(In(Unindexed("instance"), instances))
        yield between(field, midnight, midnight + DAY) & theirs


def rows_of_days(days: Days) -> Iterator[Q]:
    """For each day, the condition for its summaries."""
    return (Q(day=day, instance__in=instances) for day, instances in days.items())


def between(field: str, since: datetime, until: datetime) -> Q:
    return Q((f"{field}__gte", since), (f"{field}__lt", until))


def any_of(conditions: Iterable[Q]) -> Q:
    return reduce(operator.or_, conditions)


def _midnight(moment: datetime) -> datetime:
    return datetime.combine(moment.astimezone(UTC), time(), UTC)


def _lock() -> None:
    """Without the lock, two transactions would miss each other's uncommitted hours.

    SQLite has only one writer anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
