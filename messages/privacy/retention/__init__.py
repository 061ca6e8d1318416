"""How long each kind of data is kept.

Nothing is deleted unless an admin says so, because Z-API cannot send it again.
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
