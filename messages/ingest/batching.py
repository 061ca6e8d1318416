"""Group commit for SQLite: one thread writes the callbacks of all threads that wait to write.

A commit waits for the disk, so a batch costs little more than one callback. No thread waits for a
batch to fill. Callbacks that arrive during a write form the next batch. A single callback is
written alone. PostgreSQL groups commits itself.

SQLite also allows only one writer. Without batching, every thread would wait for SQLite's lock. A
file lock lets only one of the web server's processes write at a time. The worker writes rarely, so
it uses SQLite's busy timeout instead.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
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


@dataclass(slots=True, eq=False)
class _Request(Generic[Item, Answer]):
    item: Item
    alone: bool
    is_writer: bool = False
    answers: list[Answer] = field(default_factory=list)
    error: BaseException | None = None
    # Locked while the request waits. Released when it is answered or its thread may write.
    ready: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_open(self) -> bool:
        return not self.answers and self.error is None


class BatchWriter(Generic[Item, Answer]):
    """Calls `write_batch` with the items of several threads. It commits and answers each of them.

    `process_lock` makes this machine's processes write one at a time.
    """

    def __init__(
        self,
        write_batch: Callable[[Sequence[Item]], Sequence[Answer]],
        process_lock: FileLock | None = None,
    ) -> None:
        self._write_batch = write_batch
        self._process_lock = process_lock
        self._guard = threading.Lock()
        # If no thread writes, `waiting` is empty.
        self._is_writing = False
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
            must_wait = self._is_writing
            if must_wait:
                request.ready.acquire()
                self.waiting.append(request)
            self._is_writing = True
        if must_wait:
            self._wait(request)
        if request.is_open:
            self._write_with_others(request)
        if request.error:
            raise request.error
        return request.answers[0]

    def _wait(self, request: _Request[Item, Answer]) -> None:
        """Wait until the request is answered or its thread may write."""
        left = remaining()
        # Lock.acquire() accepts -1 for "no limit".
        if request.ready.acquire(timeout=-1 if left is None else left):
            return
        with self._guard:
            if request in self.waiting:
                self.waiting.remove(request)
            elif request.is_writer:
                self._release_writer()
            if request.is_open:
                raise OperationalError(_TOO_LATE)

    def _write_with_others(self, request: _Request[Item, Answer]) -> None:
        lock = self._process_lock
        try:
            if lock and not lock.acquire(remaining()):
                raise OperationalError(_TOO_LATE)
            try:
                self._answer([request, *self._requests_for_same_batch(request)])
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
            self._is_writing = False

    def _requests_for_same_batch(
        self, first: _Request[Item, Answer]
    ) -> list[_Request[Item, Answer]]:
        """The waiting requests, up to the first that must be in another batch."""
        batch: list[_Request[Item, Answer]] = []
        with self._guard:
            while self.waiting and len(batch) < MAX_BATCH_SIZE - 1:
                if first.alone or self.waiting[0].alone:
                    break
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
