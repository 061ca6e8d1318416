"""Message counts per hour and day, recounted when a message changes."""

from .cohorts import (
    Cohort,
    Counts,
    Hour,
    Slice,
    cohort,
    count_hours,
    count_total,
    delivery_times,
)
from .failures import failure_reasons
from .latencies import Histogram
from .receipts import end_receipts_off, find_receipts_off
from .recompute import recompute, recount
from .selection import Selection
from .series import Point, series
from .sweep import mark_since, mark_touched, sweep

__all__ = [
    "Cohort",
    "Counts",
    "Histogram",
    "Hour",
    "Point",
    "Selection",
    "Slice",
    "cohort",
    "count_hours",
    "count_total",
    "delivery_times",
    "end_receipts_off",
    "failure_reasons",
    "find_receipts_off",
    "mark_since",
    "mark_touched",
    "recompute",
    "recount",
    "series",
    "sweep",
]
