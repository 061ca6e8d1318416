"""Whoever's turn it is writes for everybody waiting, in one go.

A commit costs a wait for the disk, and a statement costs its beginning and its end; one of them for
many callbacks costs little more than for one. Nobody waits to be joined: what comes while the
database is busy makes up the next batch, and whoever comes alone is written alone.

SQLite takes one writer besides: left to itself every thread would wait for the lock by sleeping.
The web server's processes take turns by a lock on a file; the worker, which writes seldom, waits as
SQLite does.
"""

import logging
import math
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from django.db import OperationalError

from statusboard.deadline import remaining

from .file_lock import FileLock

logger = logging.getLogger(__name__)

Given = TypeVar("Given")
Answer = TypeVar("Answer")

_TOO_LATE = "the turn to write did not come in time: the database is busy or locked"
# What is written in one go at most, so that the first of it need not wait long for the last.
MAX_BATCH_SIZE = 64


class BatchFailedError(Exception):
    """Together it could not be written, and it is not known whose fault that was."""


def _seconds_left() -> float:
    left = remaining()
    return math.inf if left is None else left


def _bounded(seconds: float) -> float:
    """As locks want it, which take no infinity."""
    return -1 if seconds == math.inf else max(0.0, seconds)


def _locked() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(slots=True, eq=False)
class _Ticket(Generic[Given, Answer]):
    given: Given
    alone: bool
    leads: bool = False
    answers: list[Answer] = field(default_factory=list)
    error: BaseException | None = None
    # Let go of when it is answered, or has the turn.
    woken: threading.Lock = field(default_factory=_locked)

    @property
    def is_open(self) -> bool:
        return not self.answers and self.error is None


class BatchWriter(Generic[Given, Answer]):
    """Calls `write` with what several threads bring; it gives an answer for each, committed.

    `leaders` is how many may write side by side, `queue` for how many seconds one waits for them:
    where those are held up, nobody else need be. `names` tells what no two of a batch may have in
    common. `processes` is the lock that other processes of this machine take their turns by.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Given]], Sequence[Answer]],
        *,
        leaders: int = 1,
        queue: float = math.inf,
        names: Callable[[Given], Iterable[object]] = lambda _: (),
        processes: FileLock | None = None,
    ) -> None:
        self._write = write
        self._names = names
        self._queue = queue
        self._processes = processes
        self._guard = threading.Lock()
        # Nobody waits while there is a turn to be had.
        self._free = leaders
        self._waiting: deque[_Ticket[Given, Answer]] = deque()

    def take(self, given: Given, *, alone: bool = False) -> Answer:
        """What `write` returned for this item.

        Raises BatchFailedError if its batch was not written and it may be tried alone;
        OperationalError if the deadline passed first, in which case it may still be written; and
        whatever `write` raised for this item alone.
        """
        ticket: _Ticket[Given, Answer] = _Ticket(given, alone)
        if not self._leads_at_once(ticket):
            self._wait(ticket)
        if ticket.is_open:
            self._lead(ticket)
        if ticket.error:
            raise ticket.error
        return ticket.answers[0]

    def _leads_at_once(self, ticket: _Ticket[Given, Answer]) -> bool:
        with self._guard:
            if self._free:
                self._free -= 1
                return True
            self._waiting.append(ticket)
            return False

    def _wait(self, ticket: _Ticket[Given, Answer]) -> None:
        """Until it is answered, or has the turn."""
        if ticket.woken.acquire(timeout=_bounded(min(self._queue, _seconds_left()))):
            return
        with self._guard:
            if ticket in self._waiting:
                self._waiting.remove(ticket)
                raise BatchFailedError if _seconds_left() else OperationalError(_TOO_LATE)
        # It has the turn, or somebody has it in hand.
        if ticket.woken.acquire(timeout=_bounded(_seconds_left())):
            return
        with self._guard:
            if ticket.leads:
                self._pass_on()
            if ticket.is_open:
                raise OperationalError(_TOO_LATE)

    def _lead(self, ticket: _Ticket[Given, Answer]) -> None:
        try:
            with self._other_processes():
                self._settle([ticket, *self._companions(ticket)])
        finally:
            with self._guard:
                self._pass_on()

    def _pass_on(self) -> None:
        """The turn, to the first who waits. With the guard in hand."""
        if self._waiting:
            ticket = self._waiting.popleft()
            ticket.leads = True
            ticket.woken.release()
        else:
            self._free += 1

    @contextmanager
    def _other_processes(self) -> Iterator[None]:
        if self._processes is None:
            yield
            return
        if not self._processes.acquire(remaining()):
            raise OperationalError(_TOO_LATE)
        try:
            yield
        finally:
            self._processes.release()

    def _companions(self, leader: _Ticket[Given, Answer]) -> list[_Ticket[Given, Answer]]:
        """Those who wait, up to the first who has to be in another batch."""
        batch: list[_Ticket[Given, Answer]] = []
        names = set(self._names(leader.given))
        with self._guard:
            while self._waiting and len(batch) < MAX_BATCH_SIZE - 1 and not leader.alone:
                ticket = self._waiting[0]
                own = set(self._names(ticket.given))
                if ticket.alone or not names.isdisjoint(own):
                    break
                names |= own
                batch.append(self._waiting.popleft())
        return batch

    def _settle(self, batch: Sequence[_Ticket[Given, Answer]]) -> None:
        """Answers the batch, or gives each its error: nobody is left waiting, whatever happens."""
        try:
            answers = self._write([ticket.given for ticket in batch])
            for ticket, answer in zip(batch, answers, strict=True):
                ticket.answers.append(answer)
        except BaseException as error:
            if len(batch) > 1:
                logger.warning("Written together in vain, each is tried alone: %s", error)
            for ticket in batch:
                ticket.error = error if len(batch) == 1 else BatchFailedError()
            if not isinstance(error, Exception):
                raise
        finally:
            for ticket in batch[1:]:
                ticket.woken.release()
