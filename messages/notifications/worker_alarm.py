"""The web process notices that no worker runs, or that a job is overdue, and notifies channels.

No worker can report its own absence. A job that detects or reports problems cannot report itself.
"""

import logging
import threading
import time
from typing import Final

from django.db import connections
from django.utils import timezone

from messages.incidents.detect import report_absence, report_overdue
from messages.incidents.overdue import overdue_jobs, worker_absence

from .delivery_lines import notify
from .notification_queue import enqueue

logger = logging.getLogger(__name__)

# Failed or paused channels are also checked again after this time.
_INTERVAL: Final = 30.0  # seconds, per process


class WorkerAlarm:
    """May be triggered by every page. The database makes sure that the incident is opened once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._disabled_until = 0.0

    def trigger(self) -> None:
        """Notify the channels in a thread, so that no page waits for a mail server."""
        with self._lock:
            now = time.monotonic()
            if now < self._disabled_until or (self._thread and self._thread.is_alive()):
                return
            self._disabled_until = now + _INTERVAL
            self._thread = threading.Thread(target=_run, name="alarm", daemon=True)
            self._thread.start()

    def wait(self) -> None:
        """Wait for the thread to finish. Used by tests."""
        if self._thread:
            self._thread.join()

    def disable(self) -> None:
        """Do nothing from now on. Used by tests that are not about this alarm."""
        self._disabled_until = float("inf")

    def enable(self) -> None:
        self._disabled_until = 0.0


def report_worker_problems() -> None:
    """Open the incidents and notify the channels that are due, as a worker would."""
    now = timezone.now()
    absence, overdue = worker_absence(now), overdue_jobs(now)
    if absence:
        report_absence(absence, enqueue)
    for run in overdue:
        report_overdue(run, enqueue)
    if absence or overdue:
        notify()


def _run() -> None:
    try:
        report_worker_problems()
    except Exception:
        logger.exception("Reporting the worker problem failed; it is retried.")
    finally:
        connections.close_all()


worker_alarm: Final = WorkerAlarm()
