"""Ingest: parse a delivery and store it in one transaction. If that fails, quarantine or spool it.

These steps are in `record()` here and `store()` in store.py.
"""

import logging
from collections.abc import Iterable
from dataclasses import replace

from messages.domain.causes import Cause
from messages.zapi.payloads import reduced

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

# One per process. While it is open, the database is not used.
breaker = CircuitBreaker(probe, every=0.5)

SPOOLED = Recorded("spooled")


def record(delivery: Delivery) -> Recorded:
    """Make a delivery durable: in the database or, while that is unavailable, in the spool.

    Raises UnknownInstanceError. Raises SpoolUnavailableError if the spool cannot store it either.
    Raises SpoolQuotaError if the instance has used its spool quota.
    """
    if not breaker.is_open:
        try:
            return store(delivery)
        except UnknownInstanceError:
            raise
        except DatabaseUnavailableError as error:
            logger.warning("The database is unavailable. Callbacks go to the spool: %s", error)
            breaker.open()
        except Exception:
            logger.exception("A callback could not even be quarantined. It goes to the spool.")
    known_keys.require_accepted(delivery.zapi_id, delivery.key_version)
    # The id stays the same, so draining notices if the database stored the delivery after all.
    if not known_keys.forwards_inbound(delivery.zapi_id):
        delivery = replace(delivery, body=reduced(delivery.body))
    spool.keep(delivery)
    return SPOOLED


def note_refused(delivery: Delivery, cause: Cause, values: Iterable[object]) -> None:
    """Record that a delivery arrived whose body was refused.

    Raises UnknownInstanceError. While the database is unavailable, it is only logged: the error
    answer already tells the sender to change the request.
    """
    if breaker.is_open:
        return
    try:
        store_refused(delivery, cause, values)
    except UnknownInstanceError:
        raise
    except Exception as error:
        logger.warning("A refused callback could not be recorded: %s", error)
