"""Whole days of UTC, added up from their hours in the transaction that writes those."""

import itertools
import operator
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce
from typing import Final

from django.db import connection, models
from django.db.models import Max, Q
from django.db.models.functions import TruncDate
from django.db.models.lookups import In

from messages.models import DailySummary, HourlySummary
from messages.models.functions import Unindexed

from .totals import totals

DAY: Final = timedelta(days=1)
_ADDED_UP: Final = [
    field.name
    for field in DailySummary._meta.concrete_fields
    if isinstance(field, models.IntegerField) and not field.primary_key
]
# Of the lock: any number that nobody else takes.
_LOCK: Final = 0x5D41_5355


def add_up(hours: Iterable[tuple[int, datetime]]) -> None:
    """Add up the days in which these hours of an instance lie."""
    days: dict[date, set[int]] = defaultdict(set)
    for instance, hour in hours:
        days[hour.astimezone(UTC).date()].add(instance)
    if not days:
        return
    _take_turns()
    found = HourlySummary.objects.filter(_any_of(itertools.starmap(_within, days.items())))
    kinds = found.values("instance_id", "is_group", day=TruncDate("hour", tzinfo=UTC))
    rows = list(kinds.annotate(**totals(_ADDED_UP), computed_at=Max("computed_at")).order_by())
    before = (Q(day=day, instance__in=instances) for day, instances in days.items())
    DailySummary.objects.filter(_any_of(before)).delete()
    DailySummary.objects.bulk_create(DailySummary(**row) for row in rows)


def whole_days(since: datetime, until: datetime) -> tuple[datetime, datetime]:
    """The midnights between which whole days lie; where none does, the second is not the later."""
    return _midnight(since + DAY - timedelta.resolution), _midnight(until)


def _within(day: date, instances: Collection[int]) -> Q:
    midnight = datetime.combine(day, time(), UTC)
    # One stretch of the index of hours, however many instances.
    theirs = Q(In(Unindexed("instance"), instances))
    return Q(hour__gte=midnight, hour__lt=midnight + DAY) & theirs


def _any_of(conditions: Iterable[Q]) -> Q:
    return reduce(operator.or_, conditions)


def _midnight(moment: datetime) -> datetime:
    return datetime.combine(moment.astimezone(UTC), time(), UTC)


def _take_turns() -> None:
    """Two at once would each miss the hour that the other has not committed yet.

    SQLite has only one writer as it is.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
