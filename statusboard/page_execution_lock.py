"""Pages take turns within a process, so that callbacks keep the interpreter."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# In seconds. Nobody waits longer for the page before, which may be waiting for the database.
MAX_WAIT: Final = 1.0


class PageExecutionLock:
    """One page at a time: more would gain nothing.

    While callbacks come in, a page leaves them as much time as it took before the next one begins;
    else somebody who opens pages as fast as they come would take half of what callbacks have.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._next_at = 0.0
        self._last_callback_at = 0.0

    def note_callback(self) -> None:
        self._last_callback_at = time.monotonic()

    @contextmanager
    def turn(self) -> Iterator[None]:
        has_turn = self._turn.acquire(timeout=MAX_WAIT)
        try:
            self._rest()
            began = time.monotonic()
            yield
            now = time.monotonic()
            if self._last_callback_at > began:
                self._next_at = now + min(now - began, MAX_WAIT)
        finally:
            if has_turn:
                self._turn.release()

    def _rest(self) -> None:
        left = self._next_at - time.monotonic()
        if left > 0:
            time.sleep(min(left, MAX_WAIT))
