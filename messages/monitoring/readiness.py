"""Checks that callbacks can be stored and processed. Each check takes a second at most."""

import logging
import threading
from collections.abc import Callable
from typing import Final

from django.db import Error, connection
from django.utils import timezone

from messages.incidents.overdue import overdue_jobs, worker_absence
from messages.ingest import spool_has_room, spool_state
from messages.ingest.service import breaker
from statusboard.databases import deadline

logger = logging.getLogger(__name__)

_TIMEOUT: Final = 1.0  # seconds


_checking: Final = threading.Lock()
_last: dict[str, str] | None = None


def failing_checks() -> dict[str, str]:
    """Return the failing checks, each with a general reason.

    It has no details, because the endpoint needs no sign-in. While one request runs the checks,
    others get the previous result. Otherwise unknown clients could occupy all threads while the
    database does not answer.
    """
    global _last  # noqa: PLW0603  (one per process, written by the holder of the lock alone)
    if not _checking.acquire(blocking=False):
        if _last is not None:
            return _last
        return _run_checks()
    try:
        _last = _run_checks()
        return _last
    finally:
        _checking.release()


def _run_checks() -> dict[str, str]:
    return {name: reason for name, check in _CHECKS.items() if (reason := check())}


def _database() -> str:
    if breaker.is_open:
        return "unavailable; callbacks go to the offline buffer"
    try:
        with deadline(_TIMEOUT), connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM whatsapp_instance LIMIT 1")
    except Error as error:
        connection.close()
        logger.warning("Not ready: the database does not answer: %s", error)
        return "no answer"
    return ""


def _spool() -> str:
    state = spool_state()
    if state.problem:
        logger.warning("Not ready: the offline buffer cannot be read: %s", state.problem)
        return "cannot be read"
    if not spool_has_room():
        return "disk full"
    return ""


def _worker() -> str:
    try:
        with deadline(_TIMEOUT):
            is_absent = worker_absence(timezone.now())
    except Error:
        return ""  # reported by the database check
    return "no heartbeat for a minute" if is_absent else ""


def _jobs() -> str:
    try:
        with deadline(_TIMEOUT):
            overdue = overdue_jobs(timezone.now())
    except Error:
        return ""  # reported by the database check
    return f"overdue: {', '.join(sorted(run.job for run in overdue))}" if overdue else ""


_CHECKS: Final[dict[str, Callable[[], str]]] = {
    "database": _database,
    "spool": _spool,
    "worker": _worker,
    "jobs": _jobs,
}
