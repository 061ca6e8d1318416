"""What became of the messages of each hour, counted from them again whenever one changes."""

from .cohorts import Cohort, Counts, Slice, cohort
from .latencies import Histogram
from .recompute import count_again, recompute
from .sweep import mark_since, sweep
from .touched import mark_touched

__all__ = [
    "Cohort",
    "Counts",
    "Histogram",
    "Slice",
    "cohort",
    "count_again",
    "mark_since",
    "mark_touched",
    "recompute",
    "sweep",
]
