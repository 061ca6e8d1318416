"""Stores entries in SQLite by the rules of merge_rules.py.

A short transaction contains several statements.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction

from statusboard.databases import limit_sqlite_wait

from .batching import BatchFailedError, BatchWriter
from .entries import Entry
from .file_lock import FileLock
from .merge_rules import (
    CALLBACK_COLUMNS,
    EVENT_COLUMNS,
    EVENT_IDENTITY,
    FOLLOW_UP_COLUMNS,
    MESSAGE_COLUMNS,
    SQLITE,
    dropped_body,
    event_update,
    event_values,
    known_instance,
    message_update,
    message_values,
    quarantined_callback,
)


def _parameter(name: str) -> str:
    return f":{name}"


_KNOWN_INSTANCE = known_instance(_parameter)
_QUARANTINED_CALLBACK = quarantined_callback(_parameter)

_STORE_MESSAGES = f"""
INSERT INTO whatsapp_message AS known ({MESSAGE_COLUMNS})
SELECT :instance_id, given.value, {message_values(_parameter)}
FROM json_each(:ids) AS given WHERE true
ON CONFLICT (zapi_id, instance_id) DO UPDATE SET {message_update(SQLITE)}"""  # noqa: S608

_STORE_EVENTS = f"""
INSERT INTO whatsapp_statusevent AS known ({EVENT_COLUMNS})
SELECT message.id, {event_values(_parameter)}
FROM whatsapp_message AS message
WHERE message.instance_id = :instance_id
  AND message.zapi_id IN (SELECT value FROM json_each(:ids))
ON CONFLICT ({EVENT_IDENTITY}) DO UPDATE SET {event_update(SQLITE)}
RETURNING repeats"""  # noqa: S608

_STORE_CALLBACK = f"""
INSERT INTO whatsapp_callback ({CALLBACK_COLUMNS})
VALUES (:callback_id, :instance_id, :type, :received_at,
        :outcome, :cause, :cause_values, :token_check, :size, :body)"""  # noqa: S608

_SETTLE_CALLBACK = """
UPDATE whatsapp_callback
SET type = :type, outcome = :outcome, cause = :cause, cause_values = :cause_values,
    body = :body
WHERE id = :callback_id"""

_STORE_FOLLOW_UP = f"""
INSERT INTO whatsapp_followup ({FOLLOW_UP_COLUMNS})
VALUES (:callback_id, :instance_id, :type, {dropped_body(":instance_id", ":dropped_body")},
        :lid, :number, :facts)"""  # noqa: S608


def store(entry: Entry) -> tuple[int, str] | None:
    """Commit an entry. Returns (instance pk, outcome), or None if no instance has this key."""
    if connection.in_atomic_block:
        # The caller commits, so other threads must not wait for this write.
        return store_together([entry])[0]
    try:
        return _batches.write(entry)
    except BatchFailedError:
        return _batches.write(entry, alone=True)


def store_together(entries: Sequence[Entry]) -> list[tuple[int, str] | None]:
    """Commit all of them or none."""
    limit_sqlite_wait()
    with _transaction() as raw:
        return [_write(raw, entry, _KNOWN_INSTANCE, _STORE_CALLBACK) for entry in entries]


def settle(entry: Entry) -> tuple[int, str] | None:
    """Store an entry in place of its quarantined callback.

    Returns None if the quarantined callback no longer exists.
    """
    with _transaction() as raw:
        return _write(raw, entry, _QUARANTINED_CALLBACK, _SETTLE_CALLBACK)


def derive(entry: Entry, instance_id: int) -> None:
    """Store only the messages and events of a callback that is already stored."""
    with _transaction() as raw:
        _apply(raw, _adapted(entry) | {"instance_id": instance_id})


@contextmanager
def _transaction() -> Iterator[sqlite3.Connection]:
    """A transaction on the raw connection.

    Django's cursor would convert the placeholders at every call.
    """
    own = connections[DEFAULT_DB_ALIAS]
    with transaction.atomic(), own.wrap_database_errors:
        yield own.connection


def _write(
    raw: sqlite3.Connection, entry: Entry, known: str, callback: str
) -> tuple[int, str] | None:
    """Write one entry in the caller's transaction, which may contain a whole batch."""
    parameters = _adapted(entry)
    row = raw.execute(known, parameters).fetchone()
    if row is None:
        return None
    parameters["instance_id"], parameters["token_check"] = row
    if entry.status:
        parameters["outcome"] = _apply(raw, parameters)
    raw.execute(callback, parameters)
    raw.execute(_STORE_FOLLOW_UP, parameters)
    return row[0], str(parameters["outcome"])


def _apply(raw: sqlite3.Connection, parameters: dict[str, Any]) -> str:
    raw.execute(_STORE_MESSAGES, parameters)
    is_new = any(repeats == 0 for (repeats,) in raw.execute(_STORE_EVENTS, parameters).fetchall())
    return "applied" if is_new else "repeated"


def _process_lock() -> FileLock | None:
    name = str(settings.DATABASES["default"]["NAME"])
    return None if name == ":memory:" else FileLock(Path(f"{name}.turn"))


_batches = BatchWriter(store_together, process_lock=_process_lock())


def _adapted(entry: Entry) -> dict[str, Any]:
    return {name: _adapt(value) for name, value in entry.parameters().items()}


def _adapt(value: Any) -> Any:
    """The form in which Django's SQLite backend stores it: naive UTC, UUIDs as 32 hex digits."""
    match value:
        case None | str():
            return value
        case datetime():
            return value.replace(tzinfo=None).isoformat(" ")
        case UUID():
            return value.hex
        case tuple():
            return json.dumps(value)
        case _:
            return value
