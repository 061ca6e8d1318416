"""Quantiles out of counts: how long it took for half of the messages, and for 95 of 100."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Self

from messages.models.summary import LATENCY_EDGES, latency_column

MEDIAN: Final = 0.5
P95: Final = 0.95


@dataclass(frozen=True, slots=True)
class Histogram:
    """`within` counts for each of LATENCY_EDGES what took at most that long, of `timed` in all."""

    within: tuple[int, ...]
    timed: int

    @classmethod
    def of(cls, latency: str, row: Mapping[str, int]) -> Self:
        within = tuple(row[latency_column(latency, edge)] for edge in LATENCY_EDGES)
        return cls(within, row[latency_column(latency)])

    def __add__(self, other: "Histogram") -> "Histogram":
        within = tuple(map(sum, zip(self.within, other.within, strict=True)))
        return Histogram(within, self.timed + other.timed)

    def quantile(self, share: float) -> timedelta | None:
        """As if latencies were spread evenly between two edges; None where none is known.

        What took longer than the last edge is given as the last edge: "at least".
        """
        if not self.timed:
            return None
        wanted = share * self.timed
        place = bisect_left(self.within, wanted)
        if place == len(LATENCY_EDGES):
            return timedelta(seconds=LATENCY_EDGES[-1])
        below, least = (self.within[place - 1], LATENCY_EDGES[place - 1]) if place else (0, 0)
        part = (wanted - below) / (self.within[place] - below)
        return timedelta(seconds=least + part * (LATENCY_EDGES[place] - least))

    def is_beyond(self, share: float) -> bool:
        """Whether all that is known of the quantile is that it lies past the last edge."""
        return self.within[-1] < share * self.timed


NOTHING: Final = Histogram((0,) * len(LATENCY_EDGES), 0)
