"""That no worker runs, or one of its jobs does not, told by the web process that notices.

No worker can tell of the first, nor of a job that looks for problems or tells of them.
"""

import logging
import threading
import time
from typing import Final

from django.db import connections
from django.utils import timezone

from messages.incidents.detect import report_absence, report_overdue
from messages.incidents.overdue import overdue_jobs
from messages.incidents.worker_absence import worker_absence

from .delivery_lines import notify
from .notification_queue import enqueue

logger = logging.getLogger(__name__)

# Also how soon a channel that could not be told, or must have its pause, is looked at again.
_RINGS_EVERY: Final = 30.0  # seconds, each process for itself


class Alarm:
    """Each page may ring it. The database holds that one of all processes opens the incident."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._silent_until = 0.0

    def ring(self) -> None:
        """Tell the channels, in a thread: no page may wait for a mail server."""
        with self._lock:
            now = time.monotonic()
            if now < self._silent_until or (self._thread and self._thread.is_alive()):
                return
            self._silent_until = now + _RINGS_EVERY
            self._thread = threading.Thread(target=_run, name="alarm", daemon=True)
            self._thread.start()

    def join(self) -> None:
        """Wait for what was rung: for tests."""
        if self._thread:
            self._thread.join()

    def hold(self) -> None:
        """Be silent from now on: for tests that are about something else."""
        self._silent_until = float("inf")

    def forget(self) -> None:
        self._silent_until = 0.0


def tell() -> None:
    """Open the incidents, and do what a worker would: tell the channels that are due."""
    now = timezone.now()
    missing, overdue = worker_absence(now), overdue_jobs(now)
    if missing:
        report_absence(missing, enqueue)
    for run in overdue:
        report_overdue(run, enqueue)
    if missing or overdue:
        notify()


def _run() -> None:
    try:
        tell()
    except Exception:
        logger.exception("Reporting the worker problem failed; it is retried.")
    finally:
        connections.close_all()


alarm: Final = Alarm()
