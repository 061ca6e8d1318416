"""A worker's sign of life, with how its jobs went and what its machine's spool holds."""

import os
import socket
import uuid
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import Error
from django.utils import timezone

from messages.ingest import spool_state
from messages.models import WorkerBeat
from messages.models.due import is_over

from .scheduler import Job

BEATS_EVERY: Final = 5.0  # seconds
_KEPT: Final = timedelta(days=7)


class Heartbeat:
    def __init__(self, jobs: Sequence[Job], only: str = "") -> None:
        self._id = uuid.uuid4()
        self._jobs = jobs
        self._only = only
        self._started_at = timezone.now()

    def job(self) -> Job:
        """Beats for as long as the process lives, however long its other jobs take."""
        return Job("beat", self.beat, every=BEATS_EVERY, alone=True)

    def beat(self) -> int:
        spool = spool_state()
        WorkerBeat.objects.update_or_create(
            pk=self._id,
            defaults={
                "host": socket.gethostname(),
                "pid": os.getpid(),
                "only": self._only,
                "started_at": self._started_at,
                "beat_at": timezone.now(),
                "stopped_at": None,
                "jobs": {job.name: _told(job) for job in self._jobs},
                "spool_waiting": spool.waiting,
                "spool_oldest": spool.oldest,
                "spool_refused": spool.refused,
            },
        )
        return 1

    def stop(self) -> None:
        """Say that it is no accident, if anybody can still be told."""
        with suppress(Error):
            WorkerBeat.objects.filter(pk=self._id).update(stopped_at=timezone.now())


def forget_old_beats() -> int:
    forgotten, _ = WorkerBeat.objects.filter(is_over("beat_at", timezone.now(), _KEPT)).delete()
    return forgotten


def _told(job: Job) -> dict[str, Any]:
    record = job.record
    return {
        "every": job.every,
        "began_at": _written(record.began_at),
        "ran_at": _written(record.ran_at),
        "took": round(record.took, 3),
        "failed_at": _written(record.failed_at),
        "problem": record.problem,
    }


def _written(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""
