"""Two requests at once, each as far as the other before it writes."""

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from django.db import connections

WRITES: Final = re.compile(r"\s*(INSERT|UPDATE|DELETE|WITH)\b")
DATABASE_TIMEOUT: Final = 0.2


class Lockstep:
    """Holds each of two threads at its writes until the other stands at one, too, or is done.

    Nor longer than DATABASE_TIMEOUT: the other may wait for a lock that this one has.
    """

    def __init__(self) -> None:
        self._moved = threading.Condition()
        self._arrivals = 0
        self._is_one_done = False

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if WRITES.match(sql):
            self._wait()
        return execute(sql, params, many, context)

    def _wait(self) -> None:
        with self._moved:
            self._arrivals += 1
            met = self._arrivals + self._arrivals % 2  # the second of the two
            self._moved.notify()
            is_met = self._moved.wait_for(
                lambda: self._arrivals >= met or self._is_one_done, DATABASE_TIMEOUT
            )
            if not is_met:
                self._arrivals += 1  # as if it had come

    def done(self) -> None:
        with self._moved:
            self._is_one_done = True
            self._moved.notify()


def at_once(one: Callable[[], Any], other: Callable[[], Any]) -> list[Any]:
    """What both give. Each has checked all that it checks before either writes."""
    step = Lockstep()

    def run(request: Callable[[], Any]) -> Any:
        try:
            with connections["default"].execute_wrapper(step):
                return request()
        finally:
            step.done()
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        return [done.result() for done in [pool.submit(run, one), pool.submit(run, other)]]
