"""The worker's loop: jobs that come due, any number of workers side by side.

Each job is short and restartable and claims its own rows, so that stopping a worker, even with
kill -9, costs nothing but a little time.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.db import close_old_connections

logger = logging.getLogger(__name__)

# How often the loop looks whether a job is due, in seconds.
TICK = 0.5


@dataclass(slots=True)
class Job:
    """`run` does what is due now and returns how much that was; called every `every` seconds.

    A job that is `alone` has a thread of its own: it neither waits for the others nor delays them.
    """

    name: str
    run: Callable[[], int]
    every: float
    alone: bool = False
    due_at: float = field(default=0.0)


def run_due(jobs: Sequence[Job], now: float) -> int:
    """Run each job whose time has come; one that fails is logged and comes again."""
    done = 0
    for job in jobs:
        if job.due_at > now:
            continue
        job.due_at = now + job.every
        close_old_connections()
        try:
            done += job.run()
        except Exception:
            logger.exception("The job %s failed; it will be tried again.", job.name)
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
