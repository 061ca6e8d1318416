"""The database is given a moment, not more: whoever waits has a spool to turn to."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from django.db import DEFAULT_DB_ALIAS, connection, connections

from statusboard.databases import deadline, remaining


def database_timeout(seconds: float) -> AbstractContextManager[None]:
    """All that this thread asks of the database within the block takes no longer in all."""
    return _sqlite_timeout(seconds) if connection.vendor == "sqlite" else deadline(seconds)


@contextmanager
def _sqlite_timeout(seconds: float) -> Iterator[None]:
    with deadline(seconds):
        limit_sqlite_wait()
        try:
            yield
        finally:
            _wait_for_locks(connection.settings_dict["OPTIONS"].get("timeout", 5))


def limit_sqlite_wait() -> None:
    """SQLite waits for a lock by itself: tell it how much is left of the deadline, if any."""
    left = remaining()
    if left is not None:
        _wait_for_locks(left)


def _wait_for_locks(seconds: float) -> None:
    own = connections[DEFAULT_DB_ALIAS]
    own.ensure_connection()
    own.connection.execute(f"PRAGMA busy_timeout = {seconds * 1000:.0f}")
