"""The one write path: every callback, however it came, becomes rows here and nowhere else."""

from .delivery import Delivery, new_delivery_id
from .drain import drain
from .record import record
from .spool import SpoolState, SpoolUnavailableError
from .spool import state as spool_state
from .store import UnknownInstanceError

__all__ = [
    "Delivery",
    "SpoolState",
    "SpoolUnavailableError",
    "UnknownInstanceError",
    "drain",
    "new_delivery_id",
    "record",
    "spool_state",
]
