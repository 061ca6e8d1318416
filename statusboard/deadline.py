"""How long a database may take, for callers that have somewhere else to turn to."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ends_at: ContextVar[float] = ContextVar("deadline", default=math.inf)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """For all that this thread asks of the database within the block, taken together."""
    token = _ends_at.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends_at.reset(token)


def remaining() -> float | None:
    """Seconds left, never negative; None where nothing presses."""
    ends_at = _ends_at.get()
    return None if ends_at == math.inf else max(0.0, ends_at - time.monotonic())
