"""How long a database may take, for callers that have somewhere else to turn to."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token

_ends_at: ContextVar[float] = ContextVar("deadline", default=math.inf)
_each: ContextVar[float] = ContextVar("patience with each query", default=math.inf)


class deadline:  # noqa: N801  (used as `contextmanager` would have it, at a fraction of its cost)
    """For all that this thread asks of the database within the block, taken together."""

    __slots__ = ("_seconds", "_token")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        self._token: Token[float] = _ends_at.set(time.monotonic() + self._seconds)

    def __exit__(self, *_: object) -> None:
        _ends_at.reset(self._token)


@contextmanager
def each_within(seconds: float) -> Iterator[None]:
    """For every single thing that this thread asks of the database within the block."""
    token = _each.set(seconds)
    try:
        yield
    finally:
        _each.reset(token)


def remaining() -> float | None:
    """Seconds for what is asked next, never negative; None where nothing presses."""
    left = min(_ends_at.get() - time.monotonic(), _each.get())
    return None if left == math.inf else max(0.0, left)
