"""Limits calls to other servers from within a page.

A waiting page occupies a thread. Each process lets MAX_PAGES pages call other servers at the same
time, each for at most MAX_SECONDS in total. Further pages are refused at once. The worker's calls
are not limited.
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
    """Too many pages are calling other servers. Raised before the first call of a page."""


class _Page:
    """The remaining time of one page. `before` runs before its first call and may refuse it."""

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
        # In a thread, because parts of a call, such as DNS, have no timeout of their own.
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
        except BaseException as error:  # pass every error to the page that waits for the result
            outcome.set_exception(error)
        finally:
            self._use(-1)

    def _use(self, change: int) -> None:
        """Release the slot when the page and all its calls have ended.

        A call may end after the page.
        """
        with self._lock:
            self._users += change
            is_over = not self._users
        if is_over:
            _slots.release()


_page: ContextVar[_Page | None] = ContextVar("page", default=None)


@contextmanager
def limited(before: Callable[[], None]) -> Iterator[None]:
    """Limits all calls within the block, which serves a page."""
    page = _Page(before)
    token = _page.set(page)
    try:
        yield
    finally:
        _page.reset(token)
        page.finish()


def call(function: Callable[[], Result]) -> Result:
    """Run `function`, which makes one call to another server.

    Within a page it can also raise TimeoutError, BusyError or an exception of `before`.
    """
    page = _page.get()
    return page.call(function) if page else function()
