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
        """The database was unavailable to `job`, which began at this time.monotonic()."""
        with self._lock:
            # A job that began before the database was back may have waited for it until now.
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
            # This job did not notice, so it may not need the database.
            if job not in self._noticed_by:
                return
            self._noticed_by.clear()
            self._back_at = time.monotonic()
        logger.warning("The database is available again.")
