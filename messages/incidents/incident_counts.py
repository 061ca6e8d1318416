"""Whether anything needs attention at all: asked for every page, so once in a few seconds."""

import time
from dataclasses import dataclass
from typing import Final

from django.utils import timezone

from messages.models import Incident

from .overdue import overdue_jobs
from .worker_absence import ABSENT_AFTER, Absence, absence

_LOOKS_EVERY: Final = 3.0  # seconds, each process for itself


@dataclass(frozen=True, slots=True)
class State:
    """How many incidents are open."""

    open: int = 0
    absence: Absence | None = None
    overdue: bool = False


class IncidentCounts:
    def __init__(self) -> None:
        self._began = time.monotonic()
        self._state = State()
        self._until = 0.0

    def look(self) -> State:
        now = time.monotonic()
        if now >= self._until:
            self._state, self._until = self._ask(now), now + _LOOKS_EVERY
        return self._state

    def hold(self, state: State) -> None:
        """See nothing but this from now on: for tests that are about something else."""
        self._state, self._until = state, float("inf")

    def forget(self) -> None:
        """Ask again at the next look."""
        self._until = 0.0

    def _ask(self, now: float) -> State:
        # Web and worker start together: who is not there yet is not missing.
        is_settled = now - self._began >= ABSENT_AFTER.total_seconds()
        number = Incident.objects.open().count()
        here = timezone.now()
        missing = absence(here) if is_settled else None
        return State(number, missing, overdue=bool(overdue_jobs(here)))


glance: Final = IncidentCounts()
