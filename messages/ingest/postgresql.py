"""What store.py asks of PostgreSQL: one round trip for a callback, or for several at once.

Callbacks that come while others are being written share a statement: eight in one take half of what
eight statements take, and one alone has a statement that is lighter still.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from messages.zapi.payloads import StatusReport
from statusboard.deadline import remaining
from statusboard.postgresql.base import DeadlineConnection
from statusboard.postgresql.prepared import PreparedStatement

from . import postgresql_statements as statements
from .batching import BatchFailedError, BatchWriter
from .delivery import Delivery
from .entries import Entry

_store_status = PreparedStatement("store_status", statements.STORE_STATUS)
_store_callback = PreparedStatement("store_callback", statements.STORE_CALLBACK)
_store_together = PreparedStatement("store_together", statements.STORE_TOGETHER)
_settle_status = PreparedStatement("settle_status", statements.SETTLE_STATUS)
_settle_callback = PreparedStatement("settle_callback", statements.SETTLE_CALLBACK)
_derive = PreparedStatement("derive", statements.DERIVE)

# Of a callback that shares a statement: with more of them nothing is saved, and others would wait.
MAX_IDS = 32
MAX_BODY_LENGTH = 16 * 1024
# In seconds. A healthy database takes a hundredth of it; a row that somebody has locked takes more.
QUEUE = 0.2
# While one waits for the disk another has the processor; with more of them the batches get small.
LEADERS = 2


def store(entry: Entry) -> tuple[int, str] | None:
    """Commit an entry; gives (instance pk, outcome), or None where the key opens nothing."""
    if entry.status is None:
        return _stored(_run(_store_callback, entry.parameters()))
    if _may_share(entry.status, entry.delivery):
        # By whoever waits, not by whoever has the turn at last: connecting knows no deadline.
        own = _own_connection()
        # In a transaction its commit is somebody else's: nobody may wait for it.
        if not own.in_atomic_block:
            with suppress(BatchFailedError):
                return _turns.take(entry)
    return _store_alone(entry)


def _may_share(report: StatusReport, delivery: Delivery) -> bool:
    return len(report.message_ids) <= MAX_IDS and len(delivery.body) <= MAX_BODY_LENGTH


def _own_connection() -> BaseDatabaseWrapper:
    """This thread's, open. Asked for once: django.db.connection looks it up at every mention."""
    own = connections[DEFAULT_DB_ALIAS]
    own.ensure_connection()
    return own


def _store_alone(entry: Entry) -> tuple[int, str] | None:
    return _stored(_run(_store_status, entry.parameters()))


def store_together(entries: Sequence[Entry]) -> list[tuple[int, str] | None]:
    """Commit status reports, none of which names a message of another; all of them or none."""
    if len(entries) == 1:
        return [_store_alone(entries[0])]
    rows = _JSON.encode([entry.parameters() for entry in entries])
    (answers,) = _run(_store_together, {"entries": rows}) or ("{}",)
    stored = json.loads(answers or "{}")
    return [_tuple(stored.get(str(entry.delivery.id))) for entry in entries]


def _messages(entry: Entry) -> list[tuple[str, str]]:
    ids = entry.status.message_ids if entry.status else ()
    return [(entry.delivery.zapi_id, one) for one in ids]


_turns = BatchWriter(store_together, leaders=LEADERS, queue=QUEUE, names=_messages)


def settle(entry: Entry) -> tuple[int, str] | None:
    """Store an entry in place of its quarantined callback; None where that is there no longer."""
    return _stored(_run(_settle_status if entry.status else _settle_callback, entry.parameters()))


def derive(entry: Entry, instance_id: int) -> None:
    """Messages and events alone, of a callback that is stored."""
    _run(_derive, entry.parameters() | {"instance_id": instance_id})


def _run(statement: PreparedStatement, parameters: dict[str, Any]) -> tuple[str, ...] | None:
    if remaining() == 0:
        raise OperationalError("no time was left to ask the database")
    own = _own_connection()
    raw: DeadlineConnection = own.connection
    with own.wrap_database_errors:
        return statement.run(raw, parameters)


def _stored(row: tuple[str, ...] | None) -> tuple[int, str] | None:
    return (int(row[0]), row[1]) if row else None


def _tuple(row: list[Any] | None) -> tuple[int, str] | None:
    return (row[0], row[1]) if row else None


def _in_json(value: Any) -> str:
    """As the column's type reads it."""
    return f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)


_JSON = json.JSONEncoder(default=_in_json)
