"""Logs once when the database becomes unavailable and once when it is back."""

import logging
import threading
import time

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
