"""Counts open incidents for every page; the result is cached for a few seconds."""

import time
from dataclasses import dataclass
from typing import Final

from django.utils import timezone

from messages.models import Incident

from .overdue import ABSENT_AFTER, WorkerAbsence, overdue_jobs, worker_absence

_CACHE_SECONDS: Final = 3.0  # seconds, per process


@dataclass(frozen=True, slots=True)
class Counts:
    """The number of open incidents, and problems that only the web process can see."""

    open: int = 0
    worker_absence: WorkerAbsence | None = None
    overdue: bool = False


class IncidentCounts:
    def __init__(self) -> None:
        self.began = time.monotonic()
        self._state = Counts()
        self._until = 0.0

    def current(self) -> Counts:
        now = time.monotonic()
        if now >= self._until:
            self._state, self._until = self._query(now), now + _CACHE_SECONDS
        return self._state

    def freeze(self, state: Counts) -> None:
        """Return this state from now on. Used by tests that are not about incidents."""
        self._state, self._until = state, float("inf")

    def refresh(self) -> None:
        """Query again on the next call."""
        self._until = 0.0

    def _query(self, now: float) -> Counts:
        # Web and worker start together, so a worker is not missing right after the start.
        is_settled = now - self.began >= ABSENT_AFTER.total_seconds()
        count = Incident.objects.open().count()
        now_utc = timezone.now()
        absence = worker_absence(now_utc) if is_settled else None
        return Counts(count, absence, overdue=bool(overdue_jobs(now_utc)))


incident_counts: Final = IncidentCounts()
