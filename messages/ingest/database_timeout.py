"""A time limit for the database. A callback that exceeds it goes to the spool."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from django.db import DEFAULT_DB_ALIAS, connection, connections

from statusboard.databases import deadline, remaining


def database_timeout(seconds: float) -> AbstractContextManager[None]:
    """Limit the total time of this thread's queries in the block."""
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
    """Let SQLite wait for a lock only until the deadline, if there is one."""
    left = remaining()
    if left is not None:
        _wait_for_locks(left)


def _wait_for_locks(seconds: float) -> None:
    own = connections[DEFAULT_DB_ALIAS]
    own.ensure_connection()
    own.connection.execute(f"PRAGMA busy_timeout = {seconds * 1000:.0f}")
