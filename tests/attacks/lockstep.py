"""Run two requests in parallel and synchronize them before each write."""

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from django.db import connections

WRITES: Final = re.compile(r"\s*(INSERT|UPDATE|DELETE|WITH)\b")
DATABASE_TIMEOUT: Final = 0.2


class Lockstep:
    """Block each of two threads before a write until the other thread reaches a write or ends.

    Stop waiting after DATABASE_TIMEOUT, because the other thread may wait for a lock of this one.
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
            # The arrival count at which both threads of this pair have reached a
            # write
            met = self._arrivals + self._arrivals % 2
            self._moved.notify()
            is_met = self._moved.wait_for(
                lambda: self._arrivals >= met or self._is_one_done, DATABASE_TIMEOUT
            )
            if not is_met:
                self._arrivals += 1  # count the missing thread as arrived

    def done(self) -> None:
        with self._moved:
            self._is_one_done = True
            self._moved.notify()


def at_once(one: Callable[[], Any], other: Callable[[], Any]) -> list[Any]:
    """Run both functions in parallel and return their results.

    Both finish their checks before one of them writes.
    """
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
