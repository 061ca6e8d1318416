"""Message counts per hour and day, recounted when a message changes."""

from .cohorts import Cohort, Counts, Slice, cohort
from .latencies import Histogram
from .recompute import recompute, recount
from .sweep import mark_since, mark_touched, sweep

__all__ = [
    "Cohort",
    "Counts",
    "Histogram",
    "Slice",
    "cohort",
    "mark_since",
    "mark_touched",
    "recompute",
    "recount",
    "sweep",
]
