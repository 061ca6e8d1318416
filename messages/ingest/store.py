"""A delivery into the database, within a time that its sender can wait for."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol, TypeVar
from uuid import uuid4

from django.db import (
    Error,
    connection,
    transaction,
)
from django.utils.translation import gettext_noop

from messages.models import Callback, FollowUp, Instance, Message, Outcome, StatusEvent
from messages.zapi.payloads import ConnectionReport
from statusboard.database_state import is_away
from statusboard.deadline import remaining

from . import postgresql, sqlite
from .database_timeout import database_timeout
from .delivery import Delivery
from .entries import Entry, quarantined, read, usable_moment
from .quarantine import within_cap

logger = logging.getLogger(__name__)

# What the database may take in all, in seconds. A healthy one needs a thousandth of it.
DATABASE_TIMEOUT = 1.5
# A persistent connection that is dead says so at once; a second try later would take too long.
RETRY_WITHIN = 0.5

Result = TypeVar("Result")

_WRITTEN = [model._meta.db_table for model in (Callback, Message, StatusEvent, FollowUp, Instance)]


class Backend(Protocol):
    """What postgresql.py and sqlite.py both offer; the comments are there."""

    def store(self, entry: Entry) -> tuple[int, str] | None: ...

    def store_together(self, entries: Sequence[Entry]) -> list[tuple[int, str] | None]: ...

    def settle(self, entry: Entry) -> tuple[int, str] | None: ...

    def derive(self, entry: Entry, instance_id: int) -> None: ...


class UnknownInstanceError(LookupError):
    """No instance answers to this key: it never existed, is archived, or the key is retired."""


class DatabaseUnavailableError(Exception):
    """The database is refusing, frozen, locked or not ready: nothing can be stored now."""


@dataclass(frozen=True, slots=True)
class Recorded:
    outcome: str
    cause: str = ""
    malformed: bool = False


def store(delivery: Delivery) -> Recorded:
    """Commit a delivery to the database.

    Raises UnknownInstanceError or DatabaseUnavailableError. Storing the same delivery again is
    then safe, even if the answer to a commit was lost, because its id is stored at most once.
    """
    return _in_time(lambda: _store_or_quarantine(delivery))


def store_refused(delivery: Delivery, cause: str) -> None:
    """Commit that a delivery came whose body was not taken. Raises as store() does."""
    _in_time(lambda: _store_surely(quarantined(delivery, cause)))


def _in_time(write: Callable[[], Result]) -> Result:
    """Whatever goes wrong in it, the next callback has a connection that is in step."""
    try:
        with database_timeout(DATABASE_TIMEOUT):
            return write()
    except UnknownInstanceError:
        raise
    except Exception as error:
        _give_up_connection()
        if is_away(error):
            raise DatabaseUnavailableError(str(error)) from error
        raise


def probe() -> None:
    """Raises an Error unless a callback could be stored now. Leaves nothing behind."""
    try:
        with database_timeout(DATABASE_TIMEOUT), transaction.atomic():
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    # A migration's lock must not look like an answer, nor be waited for.
                    cursor.execute(f"LOCK TABLE {', '.join(_WRITTEN)} IN ROW EXCLUSIVE MODE NOWAIT")
            FollowUp.objects.create(callback_id=uuid4(), instance_id=0)
            transaction.set_rollback(True)
    finally:
        connection.close()


def _store_or_quarantine(delivery: Delivery) -> Recorded:
    entry = read(delivery)
    try:
        return _store_surely(entry)
    except UnknownInstanceError:
        raise
    except Exception as error:
        if is_away(error):
            raise
        if known := _already_stored(delivery):
            return known
        # Authenticated is stored before it is understood: our own mistake must not lose it.
        logger.exception("A callback could not be applied; it is kept in quarantine.")
        cause = gettext_noop("It could not be applied; the log says why.")
        return _store_surely(quarantined(delivery, cause, entry.type))


def _already_stored(delivery: Delivery) -> Recorded | None:
    """What a delivery stored before came to: its id is unique, so a second try is refused."""
    known = Callback.objects.filter(pk=delivery.id).values_list("outcome", "cause").first()
    return Recorded(*known) if known else None


def _store_surely(entry: Entry) -> Recorded:
    """Store, once more on a fresh connection where a persistent one is dead or out of date.

    A migration can invalidate what was prepared on it, and only on it.
    """
    try:
        return _store(entry)
    except Error as error:
        if connection.in_atomic_block or not is_away(error):
            raise
        _give_up_connection()
        if (remaining() or 0) < DATABASE_TIMEOUT - RETRY_WITHIN:
            raise
        return _store(entry)


def _give_up_connection() -> None:
    """It may be dead, or out of step with the server: the next callback opens another one."""
    if not connection.in_atomic_block:
        connection.close()


@cache
def backend() -> Backend:
    return postgresql if connection.vendor == "postgresql" else sqlite


def _store(entry: Entry) -> Recorded:
    if entry.outcome == Outcome.QUARANTINED:
        entry = within_cap(entry)
    if entry.connection is None:
        stored = backend().store(entry)
    else:
        with transaction.atomic():
            stored = backend().store(entry)
            if stored:
                note_connection(stored[0], entry.connection, entry.delivery)
    if stored is None:
        raise UnknownInstanceError
    return Recorded(str(stored[1]), entry.cause, entry.malformed)


def note_connection(instance_id: int, report: ConnectionReport, delivery: Delivery) -> None:
    own_time = usable_moment(report.occurred_at, delivery.received_at)
    at = own_time or delivery.received_at
    instance = Instance.objects.filter(pk=instance_id)
    instance.note_connection(connected=report.connected, at=at, reason=report.reason)
    if report.connected and report.number:
        instance.note_number(report.number, at)
