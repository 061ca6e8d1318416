"""The one write path: every callback, however it came, becomes rows here and nowhere else."""

from .delivery import Delivery, new_delivery_id
from .record import UnknownInstanceError, record

__all__ = ["Delivery", "UnknownInstanceError", "new_delivery_id", "record"]
