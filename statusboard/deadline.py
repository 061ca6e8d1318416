"""How long a database may take, for callers that have somewhere else to turn to."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ends_at: ContextVar[float] = ContextVar("deadline", default=math.inf)
_each: ContextVar[float] = ContextVar("patience with each query", default=math.inf)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """For all that this thread asks of the database within the block, taken together."""
    token = _ends_at.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends_at.reset(token)


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
