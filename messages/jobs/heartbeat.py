"""A worker's heartbeat, with the state of its jobs and its server's spool."""

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

BEAT_INTERVAL: Final = 5.0  # seconds
_KEPT: Final = timedelta(days=7)


class Heartbeat:
    def __init__(self, jobs: Sequence[Job], only: str = "") -> None:
        self._id = uuid.uuid4()
        self._jobs = jobs
        self._only = only
        self._started_at = timezone.now()

    def job(self) -> Job:
        """The job that saves the heartbeat.

        It has its own thread, so that slow jobs do not delay it.
        """
        return Job("beat", self.beat, every=BEAT_INTERVAL, alone=True)

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
                "jobs": {job.name: _as_json(job) for job in self._jobs},
                "spool_waiting": spool.waiting,
                "spool_oldest": spool.oldest,
                "spool_refused": spool.refused,
            },
        )
        return 1

    def stop(self) -> None:
        """Record a normal stop, if the database can be reached."""
        with suppress(Error):
            WorkerBeat.objects.filter(pk=self._id).update(stopped_at=timezone.now())


def delete_old_heartbeats() -> int:
    forgotten, _ = WorkerBeat.objects.filter(is_over("beat_at", timezone.now(), _KEPT)).delete()
    return forgotten


def _as_json(job: Job) -> dict[str, Any]:
    record = job.record
    return {
        "every": job.every,
        "began_at": _isoformat(record.began_at),
        "ran_at": _isoformat(record.ran_at),
        "took": round(record.took, 3),
        "failed_at": _isoformat(record.failed_at),
        "problem": record.problem,
    }


def _isoformat(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""
