"""What has to work for callbacks to be stored and looked after, each asked in a second at most."""

import logging
import threading
from collections.abc import Callable
from typing import Final

from django.db import Error, connection
from django.utils import timezone

from messages.incidents.overdue import overdue_jobs
from messages.incidents.worker_absence import worker_absence
from messages.ingest import spool_has_room, spool_state
from messages.ingest.service import breaker
from statusboard.databases import deadline

logger = logging.getLogger(__name__)

_PATIENCE: Final = 1.0  # seconds


_checking: Final = threading.Lock()
_last: dict[str, str] | None = None


def failures() -> dict[str, str]:
    """What fails, by name, in words that give nothing away: whoever asks need not sign in.

    While one request checks, others get what the last check found: strangers who ask without a
    pause must not keep threads waiting for a database that does not answer.
    """
    global _last  # noqa: PLW0603  (one per process, written by the holder of the lock alone)
    if not _checking.acquire(blocking=False):
        if _last is not None:
            return _last
        return _found()
    try:
        _last = _found()
        return _last
    finally:
        _checking.release()


def _found() -> dict[str, str]:
    return {name: words for name, check in _CHECKS.items() if (words := check())}


def _database() -> str:
    if breaker.is_open:
        return "unavailable; callbacks go to the offline buffer"
    try:
        with deadline(_PATIENCE), connection.cursor() as cursor:
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
        with deadline(_PATIENCE):
            is_absent = worker_absence(timezone.now())
    except Error:
        return ""  # that is the database's failure
    return "no heartbeat for a minute" if is_absent else ""


def _jobs() -> str:
    try:
        with deadline(_PATIENCE):
            overdue = overdue_jobs(timezone.now())
    except Error:
        return ""  # that is the database's failure
    return f"overdue: {', '.join(sorted(run.job for run in overdue))}" if overdue else ""


_CHECKS: Final[dict[str, Callable[[], str]]] = {
    "database": _database,
    "spool": _spool,
    "worker": _worker,
    "jobs": _jobs,
}
