"""Stores entries in PostgreSQL: one statement and one round trip for a callback."""

from typing import Any

from django.db import DEFAULT_DB_ALIAS, OperationalError, connections

from statusboard.databases import remaining
from statusboard.postgresql.base import DeadlineConnection
from statusboard.postgresql.prepared import PreparedStatement

from . import postgresql_statements as statements
from .entries import Entry

_store_status = PreparedStatement("store_status", statements.STORE_STATUS)
_store_callback = PreparedStatement("store_callback", statements.STORE_CALLBACK)
_settle_status = PreparedStatement("settle_status", statements.SETTLE_STATUS)
_settle_callback = PreparedStatement("settle_callback", statements.SETTLE_CALLBACK)
_derive = PreparedStatement("derive", statements.DERIVE)


def store(entry: Entry) -> tuple[int, str] | None:
    """Commit an entry. Returns (instance pk, outcome), or None if no instance has this key."""
    return _run(_store_status if entry.status else _store_callback, entry.parameters())


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
    # django.db.connection would look up this thread's connection at every access.
    own = connections[DEFAULT_DB_ALIAS]
    own.ensure_connection()
    raw: DeadlineConnection = own.connection
    with own.wrap_database_errors:
        return statement.run(raw, parameters)
