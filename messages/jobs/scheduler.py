"""The worker's loop. Several workers can run side by side.

Each job is short, can be restarted and claims its own rows. Stopping a worker, even with kill -9,
only costs a little time.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import close_old_connections
from django.utils import timezone

from messages.models import JobLease
from statusboard.databases import is_away

logger = logging.getLogger(__name__)


class DatabaseAbsence:
    """Shared by all jobs of a process; any of them may notice first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._noticed_by: set[str] = set()
        self._back_at = 0.0

    def noticed(self, job: str, started: float, error: Exception) -> None:
        """Record that `job` had no database. `started` is its start, as time.monotonic()."""
        with self._lock:
            # A job that started before the database was back may fail late, which is not a new
            # outage.
            is_first = not self._noticed_by and started >= self._back_at
            if is_first or self._noticed_by:
                self._noticed_by.add(job)
        if is_first:
            logger.warning(
                "The database is unavailable; all jobs retry until it is back: %s", error
            )

    def succeeded(self, job: str) -> None:
        """`job` finished without a database error."""
        with self._lock:
            # This job had no error before, so its success does not prove that the database is back.
            if job not in self._noticed_by:
                return
            self._noticed_by.clear()
            self._back_at = time.monotonic()
        logger.warning("The database is available again.")


# How often the loop checks for due jobs, in seconds.
TICK = 0.5

absence = DatabaseAbsence()


@dataclass(slots=True)
class Record:
    """The last run of a job, for the workers page. `problem` is the class of the error."""

    began_at: datetime | None = None
    ran_at: datetime | None = None
    took: float = 0.0
    failed_at: datetime | None = None
    problem: str = ""


@dataclass(slots=True)
class Job:
    """`run` does what is due and returns how much that was. It is called every `every` seconds.

    A job that is `alone` has its own thread: it neither waits for other jobs nor delays them. A
    `shared` job is run by one worker at a time, once in `every` seconds overall.
    """

    name: str
    run: Callable[[], int]
    every: float
    alone: bool = False
    shared: bool = False
    due_at: float = field(default=0.0)
    record: Record = field(default_factory=Record)


def run_due(jobs: Sequence[Job], now: float) -> int:
    """Run each job that is due. A job that fails is logged and retried."""
    done = 0
    for job in jobs:
        if job.due_at > now:
            continue
        job.due_at = now + job.every
        close_old_connections()
        done += _run(job)
    return done


def _run(job: Job) -> int:
    record, started = job.record, time.monotonic()
    try:
        if job.shared and not JobLease.objects.acquire(job.name, timedelta(seconds=job.every)):
            return 0
        record.began_at = timezone.now()
        done = job.run()
    except Exception as error:
        if is_away(error):
            absence.noticed(job.name, started, error)
        else:
            logger.exception("Job %s failed; it is retried.", job.name)
        record.failed_at, record.problem = timezone.now(), type(error).__name__
        return 0
    absence.succeeded(job.name)
    record.ran_at, record.took = timezone.now(), time.monotonic() - started
    return done


def work(jobs: Sequence[Job], stop: threading.Event) -> None:
    """Run until `stop` is set, which is checked between jobs."""
    threads = [
        threading.Thread(target=_repeat, args=([job], stop), name=job.name)
        for job in jobs
        if job.alone
    ]
    for thread in threads:
        thread.start()
    _repeat([job for job in jobs if not job.alone], stop)
    for thread in threads:
        thread.join()


def _repeat(jobs: Sequence[Job], stop: threading.Event) -> None:
    while not stop.is_set():
        run_due(jobs, time.monotonic())
        stop.wait(TICK)
    close_old_connections()
