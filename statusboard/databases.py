"""Deadlines for database queries, and which errors mean that the database is unavailable."""

import math
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar, Token

from django.db import (
    DEFAULT_DB_ALIAS,
    DataError,
    Error,
    IntegrityError,
    connection,
    connections,
)

# SQLSTATE classes about one statement's own values. All others (08 connection, 42 schema or rights,
# 53 resources, 55 locks, 57 shutdown, ...) would affect any callback.
_OWN_FAULT = ("21", "22", "23", "54")

_ends_at: ContextVar[float] = ContextVar("deadline", default=math.inf)
_each: ContextVar[float] = ContextVar("timeout of each query", default=math.inf)


def is_away(error: Exception) -> bool:
    """Whether the database is unavailable: any other statement would fail with this error too."""
    if isinstance(error, DataError | IntegrityError) or not isinstance(error, Error):
        return False
    state: str = getattr(error.__cause__, "sqlstate", None) or ""
    too_big = getattr(error.__cause__, "sqlite_errorname", "") == "SQLITE_TOOBIG"
    return not (state.startswith(_OWN_FAULT) or too_big)


class deadline:  # noqa: N801  (used like a function; contextlib's decorator would cost much more)
    """Limits the total time of all queries of this thread within the block."""

    __slots__ = ("_seconds", "_token")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        self._token: Token[float] = _ends_at.set(time.monotonic() + self._seconds)

    def __exit__(self, *_: object) -> None:
        _ends_at.reset(self._token)


@contextmanager
def each_within(seconds: float) -> Iterator[None]:
    """Limits the time of each query of this thread within the block."""
    token = _each.set(seconds)
    try:
        yield
    finally:
        _each.reset(token)


def remaining() -> float | None:
    """Seconds left for the next query, never negative; None without a limit."""
    left = min(_ends_at.get() - time.monotonic(), _each.get())
    return None if left == math.inf else max(0.0, left)


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
