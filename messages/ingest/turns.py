"""One writer at a time, who commits for everybody waiting.

SQLite takes one writer, and a commit costs a wait for the disk. Left to itself every thread would
wait for the lock by sleeping, and then for a disk of its own; here whoever's turn it is stores what
the others have brought meanwhile in the same transaction. The web server's processes take turns by
a lock on a file; the worker, which writes seldom, waits as SQLite does.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db import OperationalError, connection, transaction

from statusboard.deadline import remaining

from .file_lock import FileLock
from .patience import hurry

Given = TypeVar("Given")
Answer = TypeVar("Answer")

_TOO_LATE = "database is locked: the turn to write did not come in time"
# What one transaction takes at most, so that the first of it need not wait long for the last.
MOST = 64


@dataclass(slots=True, eq=False)
class _Ticket(Generic[Given, Answer]):
    given: Given
    answers: list[Answer]
    error: Exception | None = None

    @property
    def is_open(self) -> bool:
        return not self.answers and self.error is None


class Turns(Generic[Given, Answer]):
    """Calls `write` with what each thread brings, many to a transaction.

    `processes` is the lock that other processes of this machine take their turns by.
    """

    def __init__(self, write: Callable[[Given], Answer], processes: FileLock | None = None) -> None:
        self._write = write
        self._processes = processes
        self._turn = threading.Lock()
        self._waiting: deque[_Ticket[Given, Answer]] = deque()

    def take(self, given: Given) -> Answer:
        """What `write` gave, committed. Raises what it raised for this one, or OperationalError."""
        if connection.in_atomic_block:
            # Its commit is somebody else's: nobody may wait for it.
            with transaction.atomic():
                return self._write(given)
        ticket: _Ticket[Given, Answer] = _Ticket(given, [])
        self._waiting.append(ticket)
        self._wait_for_turn(ticket)
        try:
            if ticket.is_open:
                self._write_all(ticket)
        finally:
            self._turn.release()
        if ticket.error:
            raise ticket.error
        return ticket.answers[0]

    def _wait_for_turn(self, ticket: _Ticket[Given, Answer]) -> None:
        seconds = remaining()
        if self._turn.acquire(timeout=-1 if seconds is None else seconds):
            return
        with suppress(ValueError):  # somebody has it in hand just now
            self._waiting.remove(ticket)
        raise OperationalError(_TOO_LATE)

    def _write_all(self, ticket: _Ticket[Given, Answer]) -> None:
        """Until this ticket's turn has come, with all that waits before it."""
        if self._processes and not self._processes.acquire(remaining()):
            with suppress(ValueError):
                self._waiting.remove(ticket)
            raise OperationalError(_TOO_LATE)
        try:
            hurry()
            while ticket.is_open:
                self._commit(self._next_batch())
        finally:
            if self._processes:
                self._processes.release()

    def _next_batch(self) -> list[_Ticket[Given, Answer]]:
        return [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]

    def _commit(self, batch: Sequence[_Ticket[Given, Answer]]) -> None:
        """All in one transaction or, where one of them spoils it, each in its own."""
        try:
            with transaction.atomic():
                answers = [self._write(ticket.given) for ticket in batch]
        except Exception as error:
            # A lock or a full disk is the fault of none of them, and there is no time to try again.
            if len(batch) == 1 or isinstance(error, OperationalError):
                for ticket in batch:
                    ticket.error = error
                return
            for ticket in batch:
                self._commit([ticket])
        else:
            for ticket, answer in zip(batch, answers, strict=True):
                ticket.answers.append(answer)
