"""The one write path: every callback, however it came, becomes rows here and nowhere else."""

from .delivery import Delivery, new_delivery_id
from .drain import drain
from .rebuild import Period, RebuildRefusedError, RebuildResult, rebuild
from .record import record
from .reprocess import ReplayResult, replay
from .spool import SpoolState, SpoolUnavailableError
from .spool import state as spool_state
from .store import UnknownInstanceError

__all__ = [
    "Delivery",
    "Period",
    "RebuildRefusedError",
    "RebuildResult",
    "ReplayResult",
    "SpoolState",
    "SpoolUnavailableError",
    "UnknownInstanceError",
    "drain",
    "new_delivery_id",
    "rebuild",
    "record",
    "replay",
    "spool_state",
]
