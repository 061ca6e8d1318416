"""How long each kind of data is kept, what would go, and what goes.

Nothing is purged unless an admin says so: what was not stored cannot be asked of Z-API again.
"""

from .periods import LEAST_DAYS, SUGGESTED_DAYS, complaints, keep_for
from .preview import Going, preview
from .purge import Purge

__all__ = [
    "LEAST_DAYS",
    "SUGGESTED_DAYS",
    "Going",
    "Purge",
    "complaints",
    "keep_for",
    "preview",
]
