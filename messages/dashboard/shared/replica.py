"""Lets pages read from a streaming replica, and from the primary if the replica cannot be used."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.db import Error, connections
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from messages.models import WorkerBeat
from messages.models.replica_router import REPLICA, reading_from_replica
from statusboard.databases import each_within

from .middleware import take_database_failure

logger = logging.getLogger(__name__)

# The worker's heartbeat is written every 5 seconds. If the newest one on the replica is older than
# this, the replica lags.
MAX_LAG: Final = timedelta(seconds=15)
# Seconds until the replica is checked again: after a success, and after a failure.
CHECK_EVERY, RETRY_AFTER = 1.0, 10.0
# Seconds that a page may wait for the check.
CHECK_TIMEOUT: Final = 1.0
# People who just changed something read from the primary for this many seconds.
OWN_CHANGES: Final = 15
_COOKIE: Final = "statusboard_changed"


class ReplicaHealth:
    """Whether the replica can be used, checked at most once a second in each process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_usable = False
        self._check_at = 0.0

    @property
    def is_usable(self) -> bool:
        # While one thread checks, the others use the result before.
        if time.monotonic() >= self._check_at and self._lock.acquire(blocking=False):
            try:
                self._set(_is_current())
            finally:
                self._lock.release()
        return self._is_usable

    def note_failure(self) -> None:
        self._set(False)

    def _set(self, is_usable: bool) -> None:
        if is_usable != self._is_usable:
            logger.warning("Pages read from %s.", "the replica" if is_usable else "the primary")
        self._is_usable = is_usable
        self._check_at = time.monotonic() + (CHECK_EVERY if is_usable else RETRY_AFTER)


def _is_current() -> bool:
    try:
        with each_within(CHECK_TIMEOUT):
            newest = WorkerBeat.objects.using(REPLICA).aggregate(Max("beat_at"))["beat_at__max"]
    except Error:
        connections[REPLICA].close()
        return False
    return newest is not None and timezone.now() - newest < MAX_LAG


class ReplicaMiddleware:
    """Answers a signed-in person's GET from the replica; if that fails, again from the primary."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if REPLICA not in settings.DATABASES:
            raise MiddlewareNotUsed
        self.get_response = get_response
        self._health = ReplicaHealth()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method not in {"GET", "HEAD"}:
            response = self.get_response(request)
            response.set_cookie(
                _COOKIE,
                "1",
                max_age=OWN_CHANGES,
                secure=settings.IS_HTTPS,
                httponly=True,
                samesite="Lax",
            )
            return response
        # Not for the API: its clients keep no cookie, so they would miss their own changes.
        may_be_late = request.user.is_authenticated and _COOKIE not in request.COOKIES
        if not (may_be_late and self._health.is_usable):
            return self.get_response(request)
        with reading_from_replica():
            response = self.get_response(request)
        if response.status_code != 500:
            return response
        # The replica is unreachable, or an upgrade has not reached its tables yet.
        take_database_failure(request, response)
        self._health.note_failure()
        return self.get_response(request)
