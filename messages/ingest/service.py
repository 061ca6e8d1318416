"""The door's way in: a delivery is on a disk before it is answered."""

import logging

from . import known_keys, spool
from .circuit_breaker import CircuitBreaker
from .delivery import Delivery
from .store import (
    DatabaseUnavailableError,
    Recorded,
    UnknownInstanceError,
    probe,
    store,
    store_refused,
)

logger = logging.getLogger(__name__)

# One for this process: whether to ask the database at all.
breaker = CircuitBreaker(probe, every=0.5)

SPOOLED = Recorded("spooled")


def record(delivery: Delivery) -> Recorded:
    """Make a delivery durable: in the database or, while that is away, in the spool.

    Raises UnknownInstanceError, SpoolUnavailableError where it could be kept in neither, or
    SpoolQuotaError where its instance has filled its part of the spool.
    """
    if not breaker.is_open:
        try:
            return store(delivery)
        except UnknownInstanceError:
            raise
        except DatabaseUnavailableError as error:
            logger.warning("The database is away, callbacks go to the spool: %s", error)
            breaker.open()
        except Exception:
            logger.exception("A callback could not even be quarantined; it goes to the spool.")
    known_keys.require_accepted(delivery.zapi_id, delivery.key_version)
    # Under the same id: should the database have stored it after all, draining finds it there.
    spool.keep(delivery)
    return SPOOLED


def note_refused(delivery: Delivery, cause: str) -> None:
    """Keep that a delivery came whose body was not taken, and why (as stored_cause() gives it).

    Raises UnknownInstanceError. While the database is away the log has to do: the sender is told
    to send something else in any case.
    """
    if breaker.is_open:
        return
    try:
        store_refused(delivery, cause)
    except UnknownInstanceError:
        raise
    except Exception as error:
        logger.warning("A refused callback could not be noted: %s", error)
