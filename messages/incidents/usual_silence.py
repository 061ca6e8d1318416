"""How long an instance is usually silent, and when a silence is unusual. Pure functions.

We tested a simple rule against history (bench/silence.py): "three times the 99th percentile of gaps
in that hour". It raised false alarms every morning, because the gap of the night ends in an hour
that usually has short gaps. Instead, a silence is compared hour by hour with the usual silence of
each hour. The usual silence of an hour is the 90th percentile of its longest gaps, separately for
Monday to Friday, Saturday and Sunday. One holiday among twenty days does not change it. A shop that
opens a little later each day does change it. Hours that are usually silent throughout, such as at
night, are compared with the longest silence of all.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

# Four of each day of the week.
LEARNS_FROM: Final = timedelta(days=28)
# With less history there is no reliable pattern.
LEARNS_AT_LEAST: Final = timedelta(days=7)
# Shorter gaps are ignored. By default an alarm needs three times the usual gap and at least 15
# minutes, so shorter gaps make no difference.
SHORTEST: Final = timedelta(minutes=5)

_HOUR: Final = timedelta(hours=1)
_KINDS_OF_DAY: Final = 3
_OF_DAYS: Final = 0.9

Gap = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class UsualSilence:
    """`hours` has the usual silence in seconds for each hour of a weekday, Saturday and Sunday.

    `longest` is the longest silence, if there was one.
    """

    hours: Sequence[float]
    longest: float | None

    def usual(self, moment: datetime) -> float:
        """The usual silence at that time, in seconds."""
        habit = self.hours[_bucket(moment)]
        if habit < _HOUR.total_seconds():
            return max(habit, SHORTEST.total_seconds())
        return max(self.longest or 0.0, habit)

    def is_unusual(
        self, last_received: datetime, now: datetime, *, factor: float, floor: float
    ) -> bool:
        """Whether the silence since `last_received` exceeds `factor` times the usual silence."""
        if (now - last_received).total_seconds() < floor:
            return False
        spent = 0.0
        for start, end in _hours(max(last_received, now - LEARNS_FROM), now):
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
    """Group by UTC. Brazil has no daylight saving time, so a local hour is always one UTC hour."""
    kind = max(0, moment.weekday() - 4)
    return 24 * kind + moment.hour


def _hours(start: datetime, end: datetime) -> Iterable[Gap]:
    """Split a period at full hours."""
    while start < end:
        border = min(_start_of_hour(start) + _HOUR, end)
        yield start, border
        start = border


def _start_of_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _quantile(values: Sequence[float], part: float) -> float:
    """The value that this share of the values does not exceed; a full hour if there are none."""
    if not values:
        return _HOUR.total_seconds()
    return sorted(values)[math.ceil(part * len(values)) - 1]
