"""Latency quantiles, estimated from histogram counts."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final, NamedTuple, Self

from messages.models.summary import LATENCY_EDGES, latency_column

MEDIAN: Final = 0.5
P95: Final = 0.95


class Histogram(NamedTuple):
    """`within[i]` counts messages up to LATENCY_EDGES[i] seconds; `timed` counts all."""

    within: tuple[int, ...]
    timed: int

    @classmethod
    def of(cls, latency: str, row: Mapping[str, int]) -> Self:
        within = tuple(row[latency_column(latency, edge)] for edge in LATENCY_EDGES)
        return cls(within, row[latency_column(latency)])

    @classmethod
    def total(cls, parts: Iterable["Histogram"]) -> "Histogram":
        parts = tuple(parts)
        within = zip(NOTHING.within, *(one.within for one in parts), strict=True)
        return Histogram(tuple(map(sum, within)), sum(one.timed for one in parts))

    # tuple.__add__ would concatenate.
    def __add__(self, other: "Histogram") -> "Histogram":  # type: ignore[override]
        return Histogram.total((self, other))

    def quantile(self, share: float) -> timedelta | None:
        """Interpolated between two edges; None without data.

        A quantile beyond the last edge is given as that edge.
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
        """Whether the quantile is beyond the last edge."""
        return self.within[-1] < share * self.timed


NOTHING: Final = Histogram((0,) * len(LATENCY_EDGES), 0)
