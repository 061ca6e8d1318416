"""Calls to other servers from within a page: few at once, and none for long.

A page that waits takes a thread from others. Each process therefore lets MAX_PAGES pages call out
at the same time, and each of them waits for at most MAX_SECONDS in all; other pages are refused at
once. What the worker calls is not limited.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, TypeVar

Result = TypeVar("Result")

MAX_PAGES: Final = 2
MAX_SECONDS: Final = 5.0

_slots: Final = threading.BoundedSemaphore(MAX_PAGES)


class BusyError(Exception):
    """Too many pages wait for other servers. Raised before the first call of a page."""


class _Page:
    """What one page may still do. `before` runs ahead of its first call, and may refuse it."""

    def __init__(self, before: Callable[[], None]) -> None:
        self._before = before
        self._lock = threading.Lock()
        self._users = 0
        self._ends_at: float | None = None

    def call(self, function: Callable[[], Result]) -> Result:
        if self._ends_at is None:
            self._ends_at = self._begin()
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        # In a thread, because not all of a call can be given a time-out: looking up a name cannot.
        outcome: Future[Result] = Future()
        self._use(1)
        threading.Thread(target=self._run, args=(function, outcome), daemon=True).start()
        return outcome.result(left)

    def finish(self) -> None:
        if self._ends_at is not None:
            self._use(-1)

    def _begin(self) -> float:
        self._before()
        if not _slots.acquire(blocking=False):
            raise BusyError
        self._use(1)
        return time.monotonic() + MAX_SECONDS

    def _run(self, function: Callable[[], Result], outcome: "Future[Result]") -> None:
        try:
            outcome.set_result(function())
        except BaseException as error:  # for whoever waits
            outcome.set_exception(error)
        finally:
            self._use(-1)

    def _use(self, change: int) -> None:
        """The slot is free again once the page and all its calls have ended, late ones too."""
        with self._lock:
            self._users += change
            is_over = not self._users
        if is_over:
            _slots.release()


_page: ContextVar[_Page | None] = ContextVar("page", default=None)


@contextmanager
def limited(before: Callable[[], None]) -> Iterator[None]:
    """Limits all calls within the block, which is a page."""
    page = _Page(before)
    token = _page.set(page)
    try:
        yield
    finally:
        _page.reset(token)
        page.finish()


def call(function: Callable[[], Result]) -> Result:
    """What `function` returns or raises, which has to be all of one call to another server.

    Within a page also raises TimeoutError, and whatever refuses the page's first call.
    """
    page = _page.get()
    return page.call(function) if page else function()
