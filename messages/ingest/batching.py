"""Group commit: the thread that writes also writes what other threads are waiting to write.

A commit waits for the disk, and each statement has a fixed cost. So a batch costs little more than
one callback. No thread waits for a batch to fill. Callbacks that arrive while the database is busy
form the next batch. A single callback is written alone.

SQLite also allows only one writer. Without batching, every thread would wait for SQLite's lock. A
file lock lets only one of the web server's processes write at a time. The worker writes rarely, so
it uses SQLite's busy timeout instead.
"""

import logging
import math
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from django.db import OperationalError

from statusboard.databases import remaining

from .file_lock import FileLock

logger = logging.getLogger(__name__)

Item = TypeVar("Item")
Answer = TypeVar("Answer")

_TOO_LATE = "there was no chance to write in time: the database is busy or locked"
# Limits how long the first item of a batch waits for the last one.
MAX_BATCH_SIZE = 64


class BatchFailedError(Exception):
    """The batch could not be written, and it is not known which item was the cause."""


def _seconds_left() -> float:
    left = remaining()
    return math.inf if left is None else left


def _lock_timeout(seconds: float) -> float:
    """threading.Lock.acquire() accepts -1 for "no limit", but not infinity."""
    return -1 if seconds == math.inf else max(0.0, seconds)


@dataclass(slots=True, eq=False)
class _Request(Generic[Item, Answer]):
    item: Item
    alone: bool
    is_writer: bool = False
    answers: list[Answer] = field(default_factory=list)
    error: BaseException | None = None
    # While the request waits, it is held. Released when it is answered, or its thread may write.
    ready: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_open(self) -> bool:
        return not self.answers and self.error is None


class BatchWriter(Generic[Item, Answer]):
    """Calls `write_batch` with the items of several threads. It commits and answers each of them.

    `writers`: how many threads may write at the same time. `max_wait`: seconds after which a thread
    stops waiting for a writer. `keys`: no two items of a batch may share a key. `process_lock`
    makes this machine's processes write one at a time.
    """

    def __init__(
        self,
        write_batch: Callable[[Sequence[Item]], Sequence[Answer]],
        *,
        writers: int = 1,
        max_wait: float = math.inf,
        keys: Callable[[Item], Iterable[object]] = lambda _: (),
        process_lock: FileLock | None = None,
    ) -> None:
        self._write_batch = write_batch
        self._keys = keys
        self._max_wait = max_wait
        self._process_lock = process_lock
        self._guard = threading.Lock()
        # Invariant: if this is above 0, `_waiting` is empty.
        self._free_writers = writers
        # Oldest first.
        self.waiting: deque[_Request[Item, Answer]] = deque()

    def write(self, item: Item, *, alone: bool = False) -> Answer:
        """Write the item and return the answer of `write_batch` for it.

        Raises BatchFailedError if the batch failed; the caller may retry the item alone. Raises
        OperationalError if the deadline passed; the item may still be written. Raises the error of
        `write_batch` if the item was alone in its batch.
        """
        request: _Request[Item, Answer] = _Request(item, alone)
        with self._guard:
            must_wait = not self._free_writers
            if must_wait:
                request.ready.acquire()
                self.waiting.append(request)
            else:
                self._free_writers -= 1
        if must_wait:
            self._wait(request)
        if request.is_open:
            self._write_with_others(request)
        if request.error:
            raise request.error
        return request.answers[0]

    def _wait(self, request: _Request[Item, Answer]) -> None:
        """Wait until the request is answered or its thread may write."""
        if request.ready.acquire(timeout=_lock_timeout(min(self._max_wait, _seconds_left()))):
            return
        with self._guard:
            if request in self.waiting:
                self.waiting.remove(request)
                raise BatchFailedError if _seconds_left() else OperationalError(_TOO_LATE)
        # Either this thread may write now, or another thread is writing the request.
        if request.ready.acquire(timeout=_lock_timeout(_seconds_left())):
            return
        with self._guard:
            if request.is_writer:
                self._release_writer()
            if request.is_open:
                raise OperationalError(_TOO_LATE)

    def _write_with_others(self, request: _Request[Item, Answer]) -> None:
        lock = self._process_lock
        try:
            if lock and not lock.acquire(remaining()):
                raise OperationalError(_TOO_LATE)
            try:
                self._answer([request, *self._companions(request)])
            finally:
                if lock:
                    lock.release()
        finally:
            with self._guard:
                self._release_writer()

    def _release_writer(self) -> None:
        """Let the first waiting thread write. Call it with the guard held."""
        if self.waiting:
            request = self.waiting.popleft()
            request.is_writer = True
            request.ready.release()
        else:
            self._free_writers += 1

    def _companions(self, first: _Request[Item, Answer]) -> list[_Request[Item, Answer]]:
        """The waiting requests, up to the first that must be in another batch."""
        batch: list[_Request[Item, Answer]] = []
        keys = set(self._keys(first.item))
        with self._guard:
            while self.waiting and len(batch) < MAX_BATCH_SIZE - 1 and not first.alone:
                request = self.waiting[0]
                own = set(self._keys(request.item))
                if request.alone or not keys.isdisjoint(own):
                    break
                keys |= own
                batch.append(self.waiting.popleft())
        return batch

    def _answer(self, batch: Sequence[_Request[Item, Answer]]) -> None:
        """Write the batch.

        Every request gets an answer or an error, even if the thread is interrupted.
        """
        try:
            answers = self._write_batch([request.item for request in batch])
            for request, answer in zip(batch, answers, strict=True):
                request.answers.append(answer)
        except BaseException as error:
            if len(batch) > 1:
                logger.warning("A batch could not be written. Each item is tried alone: %s", error)
            for request in batch:
                request.error = error if len(batch) == 1 else BatchFailedError()
            if not isinstance(error, Exception):
                raise
        finally:
            for request in batch[1:]:
                request.ready.release()
