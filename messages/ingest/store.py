"""Stores a delivery in the database, within a time that its sender can wait for."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Protocol
from uuid import uuid4

from django.db import Error, connection, transaction

from messages.domain.causes import Cause
from messages.models import Callback, FollowUp, Instance, Message, Outcome, StatusEvent
from messages.zapi.payloads import ConnectionReport
from statusboard.databases import database_timeout, is_away, remaining

from . import postgresql, sqlite
from .delivery import Delivery
from .entries import Entry, quarantined, read, usable_moment
from .quarantine import within_cap

logger = logging.getLogger(__name__)

# Seconds for all queries of one callback. A healthy database needs a thousandth of it.
DATABASE_TIMEOUT = 1.5
# A dead persistent connection fails at once. After this many seconds, a second attempt would exceed
# DATABASE_TIMEOUT.
RETRY_WITHIN = 0.5

_WRITTEN = [model._meta.db_table for model in (Callback, Message, StatusEvent, FollowUp, Instance)]


class Backend(Protocol):
    """The functions that postgresql.py and sqlite.py both provide, documented there."""

    def store(self, entry: Entry) -> tuple[int, str] | None: ...

    def settle(self, entry: Entry) -> tuple[int, str] | None: ...

    def derive(self, entry: Entry, instance_id: int) -> None: ...


class UnknownInstanceError(LookupError):
    """No instance has this key: it never existed, is archived, or the key is retired."""


class DatabaseUnavailableError(Exception):
    """The database refuses connections, hangs, is locked or is not migrated.

    Nothing can be stored now.
    """


@dataclass(frozen=True, slots=True)
class Recorded:
    outcome: str
    cause: str = ""
    cause_values: Sequence[str] | None = None
    malformed: bool = False


def store(delivery: Delivery) -> Recorded:
    """Parse a delivery and commit it, in quarantine if it cannot be applied.

    Raises UnknownInstanceError or DatabaseUnavailableError. Storing the delivery again is then
    safe, because its id is stored at most once. That holds even if the answer to a commit was lost.
    """
    with _in_time():
        entry = read(delivery)
        try:
            return _commit(entry)
        except UnknownInstanceError:
            raise
        except Exception as error:
            if is_away(error):
                raise
            known = (
                Callback.objects.filter(pk=delivery.id).values_list("outcome", flat=True).first()
            )
            if known:
                return Recorded(known)
            # An authenticated callback is stored even if we have a bug that breaks applying it.
            logger.exception("A callback could not be applied. It is kept in quarantine.")
            return _commit(quarantined(delivery, Cause.NOT_APPLIED, type=entry.type))


def store_refused(delivery: Delivery, cause: Cause, values: Iterable[object]) -> None:
    """Commit that a delivery arrived whose body was refused. Raises the same errors as store()."""
    with _in_time():
        _commit(quarantined(delivery, cause, values))


@contextmanager
def _in_time() -> Iterator[None]:
    """Limit the time. Close the connection after an error, so that the next query opens one."""
    try:
        with database_timeout(DATABASE_TIMEOUT):
            yield
    except UnknownInstanceError:
        raise
    except Exception as error:
        _close_connection()
        if is_away(error):
            raise DatabaseUnavailableError(str(error)) from error
        raise


def _commit(entry: Entry) -> Recorded:
    if entry.outcome == Outcome.QUARANTINED:
        entry = within_cap(entry)
    try:
        stored = _write(entry)
    except Error as error:
        if connection.in_atomic_block or not is_away(error):
            raise
        # The persistent connection may be dead, or a migration may have invalidated its prepared
        # statements.
        _close_connection()
        if (remaining() or 0) < DATABASE_TIMEOUT - RETRY_WITHIN:
            raise
        stored = _write(entry)
    if stored is None:
        raise UnknownInstanceError
    return Recorded(str(stored[1]), entry.cause, entry.cause_values, entry.malformed)


def _write(entry: Entry) -> tuple[int, str] | None:
    if entry.connection is None:
        return backend().store(entry)
    with transaction.atomic():
        stored = backend().store(entry)
        if stored:
            note_connection(stored[0], entry.connection, entry.delivery)
        return stored


def _close_connection() -> None:
    if not connection.in_atomic_block:
        connection.close()


@cache
def backend() -> Backend:
    return postgresql if connection.vendor == "postgresql" else sqlite


def note_connection(instance_id: int, report: ConnectionReport, delivery: Delivery) -> None:
    own_time = usable_moment(report.occurred_at, delivery.received_at)
    at = own_time or delivery.received_at
    instance = Instance.objects.filter(pk=instance_id)
    instance.note_connection(connected=report.connected, at=at, reason=report.reason)
    if report.connected and report.number:
        instance.note_number(report.number, at)


def probe() -> None:
    """Check that a callback could be stored now. Writes nothing. Raises a database Error."""
    try:
        with database_timeout(DATABASE_TIMEOUT), transaction.atomic():
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    # Fail at once, instead of waiting, while a migration holds a lock.
                    cursor.execute(f"LOCK TABLE {', '.join(_WRITTEN)} IN ROW EXCLUSIVE MODE NOWAIT")
            FollowUp.objects.create(callback_id=uuid4(), instance_id=0)
            transaction.set_rollback(True)
    finally:
        connection.close()
