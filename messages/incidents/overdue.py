"""Detects that no worker runs, and jobs that no worker runs although workers are alive.

Web processes check the first, because no worker can.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from messages.models import WorkerBeat

# Workers send a heartbeat every few seconds; a restart takes less than this.
ABSENT_AFTER: Final = timedelta(seconds=60)
# After this time a server is considered removed.
REMOVED_AFTER: Final = timedelta(days=1)
# Added to two missed runs, because a single run may fail.
_GRACE: Final = timedelta(minutes=5)
# A long export or purge is normal. A run that takes longer than this is not.
_MAX_RUN: Final = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class WorkerAbsence:
    """When a full worker last sent a heartbeat; None if there never was one."""

    since: datetime | None


def worker_absence(now: datetime) -> WorkerAbsence | None:
    beats = WorkerBeat.objects.doing_everything()
    if beats.running(now - ABSENT_AFTER).exists():
        return None
    return WorkerAbsence(beats.order_by("-beat_at").values_list("beat_at", flat=True).first())


@dataclass(frozen=True, slots=True)
class LastRun:
    """When any worker last finished this job; the current time while it is running."""

    job: str
    at: datetime
    every: timedelta

    def is_overdue(self, now: datetime) -> bool:
        return now - self.at > 2 * self.every + _GRACE


def last_runs(now: datetime) -> list[LastRun]:
    """The last run of each job of the running workers."""
    latest: dict[str, LastRun] = {}
    for beat in WorkerBeat.objects.doing_everything().running(now - ABSENT_AFTER):
        for job, record in beat.jobs.items():
            if "every" not in record:
                continue  # a worker of an older version
            at = min(now, _ended_at(record, now) or beat.started_at)
            if job not in latest or at > latest[job].at:
                latest[job] = LastRun(job, at, timedelta(seconds=record["every"]))
    return list(latest.values())


def overdue_jobs(now: datetime) -> list[LastRun]:
    return [run for run in last_runs(now) if run.is_overdue(now)]


def _ended_at(record: Mapping[str, Any], now: datetime) -> datetime | None:
    began, ran, failed = (_parse(record[name]) for name in ("began_at", "ran_at", "failed_at"))
    is_running = began and not any(end and end >= began for end in (ran, failed))
    if began and is_running and now - began < _MAX_RUN:
        return now
    return ran


def _parse(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
