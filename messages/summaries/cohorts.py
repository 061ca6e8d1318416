"""The counts that the Overview page shows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple, Self

from django.db.models import Max, QuerySet

from messages.accounts.scope import Viewer
from messages.models import DailySummary
from messages.models.functions import Sums
from messages.models.summary import LATENCY_COLUMNS, LATENCY_EDGES, latency_column

from .latencies import NOTHING, Histogram
from .selection import Selection

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


_HOUR_COLUMNS: Final = (*Counts._fields, *_DELIVERED_COLUMNS)
_SLICE_COLUMNS: Final = (*Counts._fields, *LATENCY_COLUMNS)


class Hour(NamedTuple):
    """The counts and delivery times of the messages sent in one hour.

    The delivery times may not have been read: see cohort().
    """

    counts: Counts
    to_delivered: Histogram

    @classmethod
    def total(cls, parts: Iterable["Hour"]) -> Self:
        parts = tuple(parts)
        return cls(
            Counts.total(one.counts for one in parts),
            Histogram.total(one.to_delivered for one in parts),
        )


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
        return Histogram.total(one.to_delivered for one in self.instances)

    @property
    def to_read(self) -> Histogram:
        return Histogram.total(one.to_read for one in self.instances)


def cohort(user: Viewer, selection: Selection, *, with_times: bool) -> Cohort:
    """`with_times`: also count the delivery times of each hour, which nearly doubles the query."""
    rows = [
        row for part in selection.whole_days_and_other_hours(user) for row in _by_instance(part)
    ]
    return Cohort(
        count_hours(user, selection, with_times=with_times),
        _slices(rows),
        max((row["counted_at"] for row in rows), default=None),
    )


def count_hours(user: Viewer, selection: Selection, *, with_times: bool) -> dict[datetime, Hour]:
    """Only the hours of a cohort, in one query."""
    sums = Sums(*(_HOUR_COLUMNS if with_times else Counts._fields))
    hours = selection.hours(user).values_list("hour").annotate(sums=sums).order_by("hour")
    return {hour: _hour(row) for hour, row in hours}


def count_total(user: Viewer, selection: Selection) -> Hour:
    """The sum of the hours. Reads the daily summaries for whole days."""
    parts = selection.whole_days_and_other_hours(user)
    sums = [part.aggregate(sums=Sums(*_HOUR_COLUMNS))["sums"] for part in parts]
    return Hour.total(_hour([count or 0 for count in one]) for one in sums if one)


def delivery_times(user: Viewer, selection: Selection) -> list[Histogram]:
    """The delivery times of each whole UTC day that has messages."""
    days = selection.whole_days(user, DailySummary.objects.all())
    sums = days.values_list("day").annotate(sums=Sums(*_DELIVERED_COLUMNS)).order_by("day")
    return [_histogram(row) for _day, row in sums]


def _hour(sums: Sequence[int]) -> Hour:
    """From the sums of _HOUR_COLUMNS, or only of Counts."""
    length = len(Counts._fields)
    times = _histogram(sums[length:]) if len(sums) > length else NOTHING
    return Hour(Counts(*sums[:length]), times)


def _histogram(sums: Sequence[int]) -> Histogram:
    *within, timed = sums
    return Histogram(tuple(within), timed)


def _by_instance(summaries: QuerySet[Any]) -> list[dict[str, Any]]:
    sums = Sums(*_SLICE_COLUMNS)
    return list(summaries.values("instance_id").annotate(sums=sums, counted_at=Max("computed_at")))


def _slices(rows: Iterable[Mapping[str, Any]]) -> tuple[Slice, ...]:
    found: dict[int, Slice] = {}
    for one in map(_slice, rows):
        before = found.get(one.instance_id)
        found[one.instance_id] = before + one if before else one
    return tuple(found[pk] for pk in sorted(found))


def _slice(row: Mapping[str, Any]) -> Slice:
    sums = dict(zip(_SLICE_COLUMNS, row["sums"], strict=True))
    return Slice(
        row["instance_id"],
        Counts(*(sums[name] for name in Counts._fields)),
        Histogram.of("delivered", sums),
        Histogram.of("read", sums),
    )
