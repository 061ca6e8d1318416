"""How long each kind of data is kept.

By default nothing is deleted, because Z-API cannot send it again. An admin can set retention
periods.
"""

from .periods import MIN_DAYS, SUGGESTED_DAYS, period_errors, save_periods
from .preview import Deletable, preview
from .purge import Purge

__all__ = [
    "MIN_DAYS",
    "SUGGESTED_DAYS",
    "Deletable",
    "Purge",
    "period_errors",
    "preview",
    "save_periods",
]
