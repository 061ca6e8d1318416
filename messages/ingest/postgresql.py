"""Stores entries in PostgreSQL: one round trip for a callback, or for a batch of them.

Callbacks that arrive while others are being written share a statement. Eight in one statement take
half as long as eight statements. A single callback uses a separate, faster statement.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from statusboard.databases import remaining
from statusboard.postgresql.base import DeadlineConnection
from statusboard.postgresql.prepared import PreparedStatement

from . import postgresql_statements as statements
from .batching import BatchFailedError, BatchWriter
from .entries import Entry

_store_status = PreparedStatement("store_status", statements.STORE_STATUS)
_store_callback = PreparedStatement("store_callback", statements.STORE_CALLBACK)
_store_together = PreparedStatement("store_together", statements.STORE_TOGETHER)
_settle_status = PreparedStatement("settle_status", statements.SETTLE_STATUS)
_settle_callback = PreparedStatement("settle_callback", statements.SETTLE_CALLBACK)
_derive = PreparedStatement("derive", statements.DERIVE)

# Larger callbacks are written alone: batching does not make them faster, and they would delay the
# others.
MAX_IDS = 32
MAX_BODY_LENGTH = 16 * 1024
# Seconds to wait for a batch. A healthy database needs 1% of this. A locked row can need more.
MAX_WAIT = 0.2
# While one thread waits for the disk, another can use the processor. More writers would make the
# batches smaller.
WRITERS = 2


def store(entry: Entry) -> tuple[int, str] | None:
    """Commit an entry. Returns (instance pk, outcome), or None if no instance has this key."""
    if entry.status is None:
        return _run(_store_callback, entry.parameters())
    is_small = (
        len(entry.status.message_ids) <= MAX_IDS and len(entry.delivery.body) <= MAX_BODY_LENGTH
    )
    # Connect before joining a batch: connecting has no deadline and would delay the other
    # callbacks. Within a transaction the caller commits, so other threads must not wait for this
    # write.
    if is_small and not _open_connection().in_atomic_block:
        with suppress(BatchFailedError):
            return _batches.write(entry)
    return _run(_store_status, entry.parameters())


def store_together(entries: Sequence[Entry]) -> list[tuple[int, str] | None]:
    """Commit all of these status reports or none. No two of them may name the same message."""
    if len(entries) == 1:
        return [_run(_store_status, entries[0].parameters())]
    rows = _JSON.encode([entry.parameters() for entry in entries])
    (answer,) = _first_row(_store_together, {"entries": rows}) or ("{}",)
    stored = json.loads(answer or "{}")
    found = [stored.get(str(entry.delivery.id)) for entry in entries]
    return [(row[0], row[1]) if row else None for row in found]


def _messages(entry: Entry) -> list[tuple[str, str]]:
    ids = entry.status.message_ids if entry.status else ()
    return [(entry.delivery.zapi_id, one) for one in ids]


_batches = BatchWriter(store_together, writers=WRITERS, max_wait=MAX_WAIT, keys=_messages)


def settle(entry: Entry) -> tuple[int, str] | None:
    """Store an entry in place of its quarantined callback.

    Returns None if the quarantined callback no longer exists.
    """
    return _run(_settle_status if entry.status else _settle_callback, entry.parameters())


def derive(entry: Entry, instance_id: int) -> None:
    """Store only the messages and events of a callback that is already stored."""
    _first_row(_derive, entry.parameters() | {"instance_id": instance_id})


def _run(statement: PreparedStatement, parameters: dict[str, Any]) -> tuple[int, str] | None:
    row = _first_row(statement, parameters)
    return (int(row[0]), row[1]) if row else None


def _first_row(statement: PreparedStatement, parameters: dict[str, Any]) -> tuple[str, ...] | None:
    if remaining() == 0:
        raise OperationalError("no time was left to ask the database")
    own = _open_connection()
    raw: DeadlineConnection = own.connection
    with own.wrap_database_errors:
        return statement.run(raw, parameters)


def _open_connection() -> BaseDatabaseWrapper:
    """This thread's connection. django.db.connection would look it up at every access."""
    own = connections[DEFAULT_DB_ALIAS]
    own.ensure_connection()
    return own


def _in_json(value: Any) -> str:
    """Text that PostgreSQL reads as the column's type."""
    return f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)


_JSON = json.JSONEncoder(default=_in_json)
