"""How long an instance is usually silent, and when a silence is more than that. Pure.

The rule began as "three times the p99 gap of that hour of day". Back-tested (bench/silence.py),
that cried wolf every morning: the night's gap ends in an hour whose own gaps are short. So a
silence is spent hour by hour, each against its own habit: of Monday to Friday, Saturday or Sunday,
an hour's habit is the longest stretch of silence within it, on nine days of ten. A holiday among
twenty days does not change it, and a shop that opens a little later each day does. Hours that are
usually silent from end to end, such as nights, count against the longest silence of all.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

# Back to here is learnt from: four of each weekday.
LEARNS_FROM: Final = timedelta(days=28)
# Less is no habit yet.
LEARNS_AT_LEAST: Final = timedelta(days=7)
# Shorter gaps are not looked at: three times as long is still below any sensible floor.
SHORTEST: Final = timedelta(minutes=5)

_HOUR: Final = timedelta(hours=1)
_KINDS_OF_DAY: Final = 3
_OF_DAYS: Final = 0.9

Gap = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class UsualSilence:
    """`hours` by kind of day and hour, `longest` of all; in seconds. None where there was none."""

    hours: Sequence[float]
    longest: float | None

    def usual(self, moment: datetime) -> float:
        """The silence that nobody wonders about at that time, in seconds."""
        habit = self.hours[_bucket(moment)]
        if habit < _HOUR.total_seconds():
            return max(habit, SHORTEST.total_seconds())
        return max(self.longest or 0.0, habit)

    def is_unusual(self, heard: datetime, now: datetime, *, factor: float, floor: float) -> bool:
        """Whether the silence since `heard` has used up `factor` times what is usual."""
        if (now - heard).total_seconds() < floor:
            return False
        spent = 0.0
        for start, end in _hours(max(heard, now - LEARNS_FROM), now):
            allowed = max(factor * self.usual(start), floor)
            spent += (end - start).total_seconds() / allowed
            if spent >= 1:
                return True
        return False


def learn(gaps: Iterable[Gap], since: datetime, until: datetime) -> UsualSilence:
    """`gaps` are the silences of at least SHORTEST between `since` and `until`."""
    within: dict[datetime, float] = {}
    lengths = []
    for start, end in gaps:
        lengths.append((end - start).total_seconds())
        for first, last in _hours(start, end):
            hour = _start_of_hour(first)
            within[hour] = max(within.get(hour, 0.0), (last - first).total_seconds())
    samples: list[list[float]] = [[] for _ in range(_KINDS_OF_DAY * 24)]
    for hour, _ in _hours(since, until):
        samples[_bucket(hour)].append(within.get(_start_of_hour(hour), 0.0))
    return UsualSilence(
        tuple(_quantile(some, _OF_DAYS) for some in samples),
        max(lengths, default=None),
    )


def _bucket(moment: datetime) -> int:
    """In UTC throughout: whatever the zone, an hour there is the same hour here."""
    kind = max(0, moment.weekday() - 4)
    return 24 * kind + moment.hour


def _hours(start: datetime, end: datetime) -> Iterable[Gap]:
    """The time in between, cut where the hours begin."""
    while start < end:
        border = min(_start_of_hour(start) + _HOUR, end)
        yield start, border
        start = border


def _start_of_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _quantile(values: Sequence[float], part: float) -> float:
    """The least that so many of the values do not exceed. Of none: a whole hour, so no habit."""
    if not values:
        return _HOUR.total_seconds()
    return sorted(values)[math.ceil(part * len(values)) - 1]
