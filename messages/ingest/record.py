import logging
from dataclasses import dataclass

from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.db.models import Q

from messages.models import Callback, Instance
from messages.zapi.payloads import ConnectionReport

from . import postgresql, sqlite
from .delivery import Delivery
from .entry import Entry, quarantined, read

logger = logging.getLogger(__name__)


class UnknownInstanceError(LookupError):
    """No instance answers to this key: it never existed, is archived, or the key is retired."""


@dataclass(frozen=True, slots=True)
class Recorded:
    outcome: str
    cause: str
    malformed: bool


def record(delivery: Delivery) -> Recorded:
    """Make a delivery durable. When this returns it is committed.

    Raises UnknownInstanceError, or DatabaseError where the database could not be reached; recording
    the same delivery again is then safe, because its id is stored at most once.
    """
    entry = read(delivery)
    try:
        outcome = _store_surely(entry)
    except (OperationalError, InterfaceError):
        raise
    except DatabaseError:
        outcome = _outcome_of(delivery) or ""
        if not outcome:
            # Authenticated is stored before it is understood: our own mistake must not lose it.
            logger.exception("A callback could not be applied; it is kept in quarantine.")
            entry = quarantined(delivery, "it could not be applied; the log says why", entry.type)
            outcome = _store_surely(entry)
    return Recorded(outcome, entry.cause, entry.malformed)


def _outcome_of(delivery: Delivery) -> str | None:
    """What a delivery stored before came to: its id is unique, so a second try is refused."""
    known = Callback.objects.filter(pk=delivery.id)
    return known.values_list("outcome", flat=True).first()


def _store_surely(entry: Entry) -> str:
    """Store, once more on a fresh connection where a persistent one turns out to be dead."""
    try:
        return _store(entry)
    except (OperationalError, InterfaceError):
        if connection.in_atomic_block:
            raise
        connection.close()
        return _store(entry)


def _store(entry: Entry) -> str:
    backend = postgresql if connection.vendor == "postgresql" else sqlite
    if entry.connection is None:
        stored = backend.store(entry)
    else:
        with transaction.atomic():
            stored = backend.store(entry)
            if stored:
                _note_connection(stored[0], entry.connection, entry.delivery)
    if stored is None:
        raise UnknownInstanceError
    return str(stored[1])


def _note_connection(instance_id: int, report: ConnectionReport, delivery: Delivery) -> None:
    """The newest report wins, whenever it arrives."""
    moment = report.occurred_at or delivery.received_at
    Instance.objects.filter(
        Q(connection_changed_at=None) | Q(connection_changed_at__lte=moment), pk=instance_id
    ).update(
        connected=report.connected,
        connection_changed_at=moment,
        connection_reason=report.reason,
    )
