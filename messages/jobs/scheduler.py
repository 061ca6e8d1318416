"""The worker's loop: jobs that come due, any number of workers side by side.

Each job is short and restartable and claims its own rows, so that stopping a worker, even with
kill -9, costs nothing but a little time.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import close_old_connections
from django.utils import timezone

from statusboard.databases import is_away

from .database_absence import Absence
from .leases import take_turn

logger = logging.getLogger(__name__)

# How often the loop looks whether a job is due, in seconds.
TICK = 0.5

_absence = Absence()


@dataclass(slots=True)
class Record:
    """How a job went last, for the page about the workers. `problem` names the error, no more."""

    began_at: datetime | None = None
    ran_at: datetime | None = None
    took: float = 0.0
    failed_at: datetime | None = None
    problem: str = ""


@dataclass(slots=True)
class Job:
    """`run` does what is due now and returns how much that was; called every `every` seconds.

    A job that is `alone` has a thread of its own: it neither waits for the others nor delays them.
    One that is `shared` is done by whichever worker comes first, once in `every` seconds in all.
    """

    name: str
    run: Callable[[], int]
    every: float
    alone: bool = False
    shared: bool = False
    due_at: float = field(default=0.0)
    record: Record = field(default_factory=Record)


def run_due(jobs: Sequence[Job], now: float) -> int:
    """Run each job whose time has come; one that fails is logged and comes again."""
    done = 0
    for job in jobs:
        if job.due_at > now:
            continue
        job.due_at = now + job.every
        close_old_connections()
        done += _run(job)
    return done


def _run(job: Job) -> int:
    record, begun = job.record, time.monotonic()
    try:
        if job.shared and not take_turn(job.name, job.every):
            return 0
        record.began_at = timezone.now()
        done = job.run()
    except Exception as error:
        if is_away(error):
            _absence.met(job.name, begun, error)
        else:
            logger.exception("Job %s failed; it is retried.", job.name)
        record.failed_at, record.problem = timezone.now(), type(error).__name__
        return 0
    _absence.ran(job.name)
    record.ran_at, record.took = timezone.now(), time.monotonic() - begun
    return done


def work(jobs: Sequence[Job], stop: threading.Event) -> None:
    """Until `stop` is set, which is looked at between jobs."""
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
