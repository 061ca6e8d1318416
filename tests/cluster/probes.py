"""What people and Z-API notice of a fault: for how long nothing is stored, and no page opens."""

import itertools
import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from tests.faults.load import Attempt

PAGE_EVERY = 0.1  # seconds


class PageProbe:
    """Opens a page again and again during the `with` block."""

    def __init__(self, open_page: Callable[[], int]) -> None:
        self._open_page = open_page
        self._opened_at: list[float] = []
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._enough.set()
        self._thread.join()

    def opened_at(self) -> list[float]:
        """The times at which a page was answered with 200, by the monotonic clock."""
        return list(self._opened_at)

    def _run(self) -> None:
        while not self._enough.wait(PAGE_EVERY):
            if self._open_page() == 200:
                self._opened_at.append(time.monotonic())


def longest_gap(moments: Iterable[float], since: float, until: float) -> float:
    """Seconds of the longest stretch between `since` and `until` that has no moment."""
    inside = sorted(moment for moment in moments if since <= moment <= until)
    ends = [since, *inside, until]
    return max(later - earlier for earlier, later in itertools.pairwise(ends))


def kept_at(attempts: Iterable[Attempt]) -> list[float]:
    """When callbacks were acknowledged: stored in the database or in the spool."""
    return [one.started_at + one.seconds for one in attempts if 200 <= one.status < 300]


def stored_at(attempts: Iterable[Attempt]) -> list[float]:
    """When callbacks were stored in the database at once, without the spool."""
    return kept_at(one for one in attempts if one.outcome != "spooled")
