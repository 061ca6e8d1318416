"""Limits how much of the spool one instance may fill, so that there is room for the others.

Each process adds up what it writes. A thread counts the rows in the file regularly, to include
other processes and drained callbacks. Writing never waits for the count. Several processes together
may exceed a quota by what they write between two counts.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db import connections
from django.db.models import Count, Sum
from django.db.models.functions import Length

from messages.models import SpooledCallback

# The pause between two counts is at least this many seconds, and this many times the duration of
# the last count.
_INTERVAL: Final = 2.0
_PAUSE_FACTOR: Final = 50
# The thread ends after this many seconds without a write.
_IDLE_AFTER: Final = 60.0
# The bytes of a row besides its body: its other columns and its entries in two indexes.
_ROW_OVERHEAD: Final = 200


@dataclass(frozen=True, slots=True)
class Usage:
    callbacks: int = 0
    bytes: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.callbacks + other.callbacks, self.bytes + other.bytes)

    @property
    def is_full(self) -> bool:
        max_callbacks: int = settings.SPOOL_MAX_CALLBACKS_PER_INSTANCE
        max_bytes: int = settings.SPOOL_MAX_BYTES_PER_INSTANCE
        return self.callbacks >= max_callbacks or self.bytes >= max_bytes


Usages = Mapping[str, Usage]


def usages() -> Usages:
    """The usage of each instance according to the file, which must be open."""
    rows = SpooledCallback.objects.order_by().values_list("zapi_id")
    counted = rows.annotate(number=Count("pk"), size=Sum(Length("body")))
    return {
        zapi_id: Usage(number, size + number * _ROW_OVERHEAD) for zapi_id, number, size in counted
    }


class SpoolQuota:
    """The usage of each instance, as far as this process knows."""

    def __init__(self, count: Callable[[], Usages]) -> None:
        """`count` returns usages(), or {} if there is no file."""
        self._count = count
        self._lock = threading.Lock()
        self._counted: Usages = {}
        # Written by this process since the last count began, and since the current one began.
        self._written: dict[str, Usage] = {}
        self._written_meanwhile: dict[str, Usage] = {}
        self._needed_at = 0.0
        self._counter: threading.Thread | None = None

    def is_full(self, zapi_id: str) -> bool:
        self._needed_at = time.monotonic()
        used = self._counted.get(zapi_id, Usage()) + self._written.get(zapi_id, Usage())
        # A forked process does not inherit the thread.
        if self._counter is None or not self._counter.is_alive():
            self._start()
        return used.is_full

    def add(self, rows: Iterable[SpooledCallback]) -> None:
        with self._lock:
            for row in rows:
                more = Usage(1, len(row.body) + _ROW_OVERHEAD)
                for written in (self._written, self._written_meanwhile):
                    written[row.zapi_id] = written.get(row.zapi_id, Usage()) + more

    def _start(self) -> None:
        with self._lock:
            if self._counter is None or not self._counter.is_alive():
                self._counter = threading.Thread(
                    target=self._count_until_idle, name="spool quota", daemon=True
                )
                self._counter.start()

    def _count_until_idle(self) -> None:
        try:
            while time.monotonic() - self._needed_at < _IDLE_AFTER:
                started = time.monotonic()
                self._count_once()
                time.sleep(max(_INTERVAL, _PAUSE_FACTOR * (time.monotonic() - started)))
        finally:
            connections["spool"].close()

    def _count_once(self) -> None:
        with self._lock:
            self._written_meanwhile = {}
        try:
            counted = self._count()
        except Exception:
            # The spool may be missing, locked or damaged. The next write reports that. The last
            # count is used until the next one.
            return
        with self._lock:
            self._counted, self._written = counted, self._written_meanwhile
            self._written_meanwhile = {}
