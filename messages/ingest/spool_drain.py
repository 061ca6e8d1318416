"""Stores spooled callbacks in the database, in the same way as new ones."""

import logging
import time
from contextlib import suppress
from uuid import UUID

from django.db import Error

from messages.domain.causes import Cause
from messages.models import Instance, Retention, SpooledCallback

from . import known_keys, spool
from .delivery import Delivery
from .store import DatabaseUnavailableError, UnknownInstanceError, store

logger = logging.getLogger(__name__)

BATCH = 100
# In seconds. What is left waits for the next run of the worker.
MAX_RUN_TIME = 5.0


def drain() -> int:
    """Store the callbacks in this machine's spool, oldest first. Return their number.

    Several may run at the same time, and any may be killed: a callback that is already in the
    database is not stored twice.
    """
    with suppress(Error):  # the known-keys file then stays unchanged
        known_keys.remember_when_due()
    ends_at = time.monotonic() + MAX_RUN_TIME
    stored = 0
    is_away, rows = False, None
    while not is_away and time.monotonic() < ends_at and (rows := spool.take(BATCH)):
        done, is_away = _store_all(rows)
        if done:
            # Do this before deleting the rows, so that it is repeated after an interruption.
            Retention.objects.resume_bodies_from(min(done))
        spool.forget(done)
        stored += len(done)
    if not is_away and not rows:
        with suppress(spool.SpoolUnavailableError):  # another process reads it, or its disk is full
            spool.clean()
    if stored:
        logger.info("Stored %s callbacks from the spool.", stored)
    return stored


def _store_all(rows: list[SpooledCallback]) -> tuple[list[UUID], bool]:
    """The ids that were stored, and whether the database became unavailable."""
    done: list[UUID] = []
    for row in rows:
        delivery = _delivery(row)
        try:
            store(delivery)
        except DatabaseUnavailableError:
            return done, True
        except UnknownInstanceError:
            spool.set_aside(row, _why_unknown(delivery))
        except Exception:
            logger.exception("A spooled callback could not be stored. It is set aside.")
            spool.set_aside(row, Cause.NOT_STORED)
        else:
            done.append(row.pk)
    return done, False


def _delivery(row: SpooledCallback) -> Delivery:
    return Delivery(
        id=row.pk,
        zapi_id=row.zapi_id,
        key_version=row.key_version,
        received_at=row.received_at,
        body=bytes(row.body),
        token_digest=row.token_digest,
    )


def _why_unknown(delivery: Delivery) -> Cause:
    instance = Instance.objects.filter(zapi_id=delivery.zapi_id).first()
    if instance is None:
        return Cause.NO_INSTANCE
    if instance.archived_at:
        return Cause.ARCHIVED
    if not instance.oldest_key_version <= delivery.key_version <= instance.key_version:
        return Cause.KEY_RETIRED
    return Cause.WRONG_TOKEN
