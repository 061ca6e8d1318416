"""The counts that the Overview page shows, in three queries."""

import operator
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Any, Final, NamedTuple, Self

from django.db.models import Max, Q, QuerySet

from messages.accounts.scope import Viewer, limited_to
from messages.models import DailySummary, HourlySummary
from messages.models.summary import LATENCY_COLUMNS, LATENCY_EDGES, latency_column

from .days import totals, whole_days
from .latencies import NOTHING, Histogram

_DELIVERED_COLUMNS: Final = tuple(
    latency_column("delivered", edge) for edge in (*LATENCY_EDGES, None)
)


class Counts(NamedTuple):
    """Message counts; HourlySummary defines each number."""

    messages: int = 0
    dispatched: int = 0
    sent: int = 0
    delivered: int = 0
    read: int = 0
    failed: int = 0
    waiting_to_send: int = 0
    waiting_to_deliver: int = 0

    # tuple.__add__ would concatenate.
    def __add__(self, other: "Counts") -> "Counts":  # type: ignore[override]
        return Counts.total((self, other))

    @classmethod
    def total(cls, parts: Iterable[Self]) -> Self:
        return cls(*map(sum, zip(*parts, strict=True)))


class Hour(NamedTuple):
    """The counts and delivery times of the messages sent in one hour."""

    counts: Counts
    to_delivered: Histogram


@dataclass(frozen=True, slots=True)
class Slice:
    """The counts and latencies of one instance."""

    instance_id: int
    counts: Counts
    to_delivered: Histogram
    to_read: Histogram

    def __add__(self, more: "Slice") -> "Slice":
        return Slice(
            self.instance_id,
            self.counts + more.counts,
            self.to_delivered + more.to_delivered,
            self.to_read + more.to_read,
        )


@dataclass(frozen=True, slots=True)
class Cohort:
    """Counts of the messages sent in a period; `counted_at` is the time of the newest count."""

    hours: Mapping[datetime, Hour]
    instances: tuple[Slice, ...]
    counted_at: datetime | None

    @property
    def counts(self) -> Counts:
        return Counts.total(one.counts for one in self.instances)

    @property
    def to_delivered(self) -> Histogram:
        return reduce(operator.add, (one.to_delivered for one in self.instances), NOTHING)

    @property
    def to_read(self) -> Histogram:
        return reduce(operator.add, (one.to_read for one in self.instances), NOTHING)


def cohort(
    user: Viewer,
    *,
    since: datetime,
    until: datetime,
    instances: Collection[int] | None = None,
    groups: bool | None = None,
) -> Cohort:
    """Return the counts for those of `instances`, or of all, that `user` may see.

    The period is from `since` (inclusive) to `until` (exclusive), in whole hours.
    """
    filters = _filters(instances, groups)
    by_hour = limited_to(user, HourlySummary.objects.filter(filters))
    by_day = limited_to(user, DailySummary.objects.filter(filters))
    hours = by_hour.filter(_hours(since, until))
    first, last = whole_days(since, until)
    if first < last:
        edges = by_hour.filter(_hours(since, first) | _hours(last, until))
        days = by_day.filter(day__gte=first.date(), day__lt=last.date())
        rows = [*_by_instance(days), *_by_instance(edges)]
    else:
        rows = _by_instance(hours)
    return Cohort(
        dict(_each_hour(hours)),
        _slices(rows),
        max((row["counted_at"] for row in rows), default=None),
    )


def _filters(instances: Collection[int] | None, groups: bool | None) -> Q:
    asked = {"instance__in": instances, "is_group": groups}
    return Q(**{name: value for name, value in asked.items() if value is not None})


def _hours(since: datetime, until: datetime) -> Q:
    return Q(hour__gte=since, hour__lt=until)


def _each_hour(hours: QuerySet[HourlySummary]) -> Iterator[tuple[datetime, Hour]]:
    sums = totals((*Counts._fields, *_DELIVERED_COLUMNS))
    length = len(Counts._fields)
    for hour, *row in hours.values_list("hour").annotate(**sums).order_by("hour"):
        *within, timed = row[length:]
        yield hour, Hour(Counts(*row[:length]), Histogram(tuple(within), timed))


def _by_instance(summaries: QuerySet[Any]) -> list[dict[str, Any]]:
    sums = totals((*Counts._fields, *LATENCY_COLUMNS))
    return list(summaries.values("instance_id").annotate(**sums, counted_at=Max("computed_at")))


def _slices(rows: Iterable[Mapping[str, Any]]) -> tuple[Slice, ...]:
    found: dict[int, Slice] = {}
    for one in map(_slice, rows):
        before = found.get(one.instance_id)
        found[one.instance_id] = before + one if before else one
    return tuple(found[pk] for pk in sorted(found))


def _slice(row: Mapping[str, Any]) -> Slice:
    return Slice(
        row["instance_id"],
        Counts(*(row[name] for name in Counts._fields)),
        Histogram.of("delivered", row),
        Histogram.of("read", row),
    )
