"""What Overview asks of the summaries: two queries, however many messages there are."""

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import reduce
from typing import Any, Final

from django.db.models import Max, Sum

from messages.access.scope import Viewer, limited_to
from messages.models import HourlySummary, Instance
from messages.models.hourly_summary import LATENCY_COLUMNS

from .latencies import NOTHING, Histogram


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of some messages; HourlySummary says what each number means."""

    messages: int = 0
    accepted: int = 0
    sent: int = 0
    delivered: int = 0
    read: int = 0
    failed: int = 0
    waiting_to_send: int = 0
    waiting_to_deliver: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*map(operator.add, _values(self), _values(other)))


COUNTS: Final = tuple(field.name for field in fields(Counts))
_values: Final = operator.attrgetter(*COUNTS)


class _Total(Sum):
    """As the database gives it: Django makes an int of every one of these thousands of ints."""

    @property
    def convert_value(self) -> Any:
        return self._convert_value_noop  # type: ignore[attr-defined]  # unknown to the stubs


@dataclass(frozen=True, slots=True)
class Slice:
    """The messages of one instance: what became of them, and how long it took."""

    instance_id: int
    counts: Counts
    to_delivered: Histogram
    to_read: Histogram


@dataclass(frozen=True, slots=True)
class Cohort:
    """The messages sent in some time; `counted_at` is when an hour of them was last counted."""

    hours: Mapping[datetime, Counts]
    instances: tuple[Slice, ...]
    counted_at: datetime | None

    @property
    def counts(self) -> Counts:
        return sum((one.counts for one in self.instances), Counts())

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
    instance: int | None = None,
    groups: bool | None = None,
) -> Cohort:
    """Of the instances that `user` may see, in whole hours; `until` is excluded."""
    summaries = limited_to(user, HourlySummary.objects.filter(hour__gte=since, hour__lt=until))
    if instance is not None:
        summaries = summaries.filter(instance=instance)
    if groups is not None:
        summaries = summaries.filter(is_group=groups)
    hours = summaries.values_list("hour").annotate(**_sums(COUNTS)).order_by("hour")
    # SQLite goes by the index of instances only where it is told which there are.
    known = summaries.filter(instance__in=Instance.objects.values("pk"))
    instances = known.values("instance_id").annotate(
        **_sums((*COUNTS, *LATENCY_COLUMNS)), counted_at=Max("computed_at")
    )
    rows: Sequence[Mapping[str, Any]] = list(instances.order_by("instance_id"))
    return Cohort(
        {hour: Counts(*counts) for hour, *counts in hours},
        tuple(_slice(row) for row in rows),
        max((row["counted_at"] for row in rows), default=None),
    )


def _sums(names: tuple[str, ...]) -> dict[str, _Total]:
    return {name: _Total(name) for name in names}


def _slice(row: Mapping[str, Any]) -> Slice:
    return Slice(
        row["instance_id"],
        Counts(*(row[name] for name in COUNTS)),
        Histogram.of("delivered", row),
        Histogram.of("read", row),
    )
