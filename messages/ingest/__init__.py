"""The only code that writes callbacks and messages.

It writes new, spooled, replayed and rebuilt callbacks.
"""

from .delivery import Delivery, first_id_at, new_delivery_id, received_at_of
from .failure_codes import classify_failures
from .known_keys import RetiredKeyError
from .known_keys import remember as remember_keys
from .quarantine import discard
from .quarantine_replay import ReplayResult, replay
from .rebuild import Period, RebuildRefusedError, RebuildResult, rebuild
from .service import note_refused, record
from .spool import SpoolQuotaError, SpoolState, SpoolUnavailableError
from .spool import has_room as spool_has_room
from .spool import state as spool_state
from .spool_drain import drain
from .store import UnknownInstanceError

__all__ = [
    "Delivery",
    "Period",
    "RebuildRefusedError",
    "RebuildResult",
    "ReplayResult",
    "RetiredKeyError",
    "SpoolQuotaError",
    "SpoolState",
    "SpoolUnavailableError",
    "UnknownInstanceError",
    "classify_failures",
    "discard",
    "drain",
    "first_id_at",
    "new_delivery_id",
    "note_refused",
    "rebuild",
    "received_at_of",
    "record",
    "remember_keys",
    "replay",
    "spool_has_room",
    "spool_state",
]
