"""The same rules in one short transaction; SQLite cannot write from within a WITH."""

import json
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction

from .batching import BatchFailedError, BatchWriter
from .database_timeout import limit_sqlite_wait
from .entries import Entry
from .file_lock import FileLock
from .merge_rules import (
    CALLBACK_COLUMNS,
    DROPPED_BODY,
    EVENT_COLUMNS,
    EVENT_IDENTITY,
    FOLLOW_UP_COLUMNS,
    KNOWN_INSTANCE,
    MESSAGE_COLUMNS,
    QUARANTINED_CALLBACK,
    SQLITE,
    event_update,
    message_update,
)


def _named(text: str) -> str:
    """SQL in SQLite's own form (:name), turned into it once and not at every call."""
    return re.sub(r"%\((\w+)\)s", r":\1", text).replace("%%", "%")


_STORE_MESSAGES = _named(f"""
INSERT INTO whatsapp_message AS known ({MESSAGE_COLUMNS})
SELECT %(instance_id)s, given.value, %(zaap_id)s, %(rank)s, %(phone)s, %(is_group)s, 0, %(inbound)s,
       %(received_at)s, %(occurred_at)s, %(own_time)s,
       %(accepted_at)s, %(sent_at)s, %(failed_at)s, %(failure)s,
       %(delivered_at)s, %(read_at)s, %(played_at)s, %(by_us_at)s
FROM json_each(%(ids)s) AS given WHERE true
ON CONFLICT (zapi_id, instance_id) DO UPDATE SET {message_update(SQLITE)}""")  # noqa: S608

_STORE_EVENTS = _named(f"""
INSERT INTO whatsapp_statusevent AS known ({EVENT_COLUMNS})
SELECT message.id, %(type)s, %(status)s, %(raw_status)s, %(momment)s,
       %(occurred_at)s, %(time_is_arrival)s, %(received_at)s,
       %(phone)s, %(participant)s, %(device)s, %(reason)s, 0, %(callback_id)s
FROM whatsapp_message AS message
WHERE message.instance_id = %(instance_id)s
  AND message.zapi_id IN (SELECT value FROM json_each(%(ids)s))
ON CONFLICT ({EVENT_IDENTITY}) DO UPDATE SET {event_update(SQLITE)}
RETURNING repeats""")  # noqa: S608

_STORE_CALLBACK = _named(f"""
INSERT INTO whatsapp_callback ({CALLBACK_COLUMNS})
VALUES (%(callback_id)s, %(instance_id)s, %(type)s, %(received_at)s,
        %(outcome)s, %(cause)s, %(token_check)s, %(size)s, %(body)s)""")  # noqa: S608

_SETTLE_CALLBACK = _named("""
UPDATE whatsapp_callback
SET type = %(type)s, outcome = %(outcome)s, cause = %(cause)s, body = %(body)s
WHERE id = %(callback_id)s""")

_STORE_FOLLOW_UP = _named(f"""
INSERT INTO whatsapp_followup ({FOLLOW_UP_COLUMNS})
VALUES (%(callback_id)s, %(instance_id)s, %(type)s,
        {DROPPED_BODY.format(instance="%(instance_id)s", body="%(dropped_body)s")},
        %(lid)s, %(number)s)""")  # noqa: S608

_KNOWN_INSTANCE, _QUARANTINED_CALLBACK = _named(KNOWN_INSTANCE), _named(QUARANTINED_CALLBACK)


def store(entry: Entry) -> tuple[int, str] | None:
    """Commit an entry; gives (instance pk, outcome), or None where the key opens nothing."""
    if connection.in_atomic_block:
        # Its commit is somebody else's: nobody may wait for it.
        return store_together([entry])[0]
    try:
        return _turns.take(entry)
    except BatchFailedError:
        return _turns.take(entry, alone=True)


def store_together(entries: Sequence[Entry]) -> list[tuple[int, str] | None]:
    """Commit them; all or none."""
    limit_sqlite_wait()
    with _transaction() as raw:
        return [_write(raw, entry, _KNOWN_INSTANCE, _STORE_CALLBACK) for entry in entries]


def settle(entry: Entry) -> tuple[int, str] | None:
    """Store an entry in place of its quarantined callback; None where that is there no longer."""
    with _transaction() as raw:
        return _write(raw, entry, _QUARANTINED_CALLBACK, _SETTLE_CALLBACK)


def derive(entry: Entry, instance_id: int) -> None:
    """Messages and events alone, of a callback that is stored."""
    with _transaction() as raw:
        _apply(raw, _adapted(entry) | {"instance_id": instance_id})


@contextmanager
def _transaction() -> Iterator[sqlite3.Connection]:
    """The connection itself: Django's cursor turns the placeholders again at every call."""
    own = connections[DEFAULT_DB_ALIAS]
    with transaction.atomic(), own.wrap_database_errors:
        yield own.connection


def _write(
    raw: sqlite3.Connection, entry: Entry, known: str, callback: str
) -> tuple[int, str] | None:
    """In the caller's transaction, which may be that of many."""
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


def _processes() -> FileLock | None:
    name = str(settings.DATABASES["default"]["NAME"])
    return None if name == ":memory:" else FileLock(Path(f"{name}.turn"))


_turns = BatchWriter(store_together, processes=_processes())


def _adapted(entry: Entry) -> dict[str, Any]:
    return {name: _adapt(value) for name, value in entry.parameters().items()}


def _adapt(value: Any) -> Any:
    """As Django's SQLite backend stores it: naive UTC, UUIDs as 32 hex digits."""
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
