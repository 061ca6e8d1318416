"""The database's going and coming back: said once each, not by every job at every turn."""

import logging
import threading
import time

logger = logging.getLogger(__name__)


class Absence:
    """Shared by all the jobs of one process, each of which may be the first to notice."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._met_by: set[str] = set()
        self._over_at = 0.0

    def met(self, job: str, begun: float, error: Exception) -> None:
        """The database was away from `job`, which had begun at this time.monotonic()."""
        with self._lock:
            # Whoever began before it was back may have waited for it until now.
            is_news = not self._met_by and begun >= self._over_at
            if is_news or self._met_by:
                self._met_by.add(job)
        if is_news:
            logger.warning(
                "The database is unavailable; all jobs retry until it is back: %s", error
            )

    def ran(self, job: str) -> None:
        """The database was there for `job`, or was not asked."""
        with self._lock:
            # A job that never noticed does not need it.
            if job not in self._met_by:
                return
            self._met_by.clear()
            self._over_at = time.monotonic()
        logger.warning("The database is available again.")
