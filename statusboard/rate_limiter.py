"""Rate limits with one token bucket per client, which refills within a minute."""

import logging
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from .client_ips import client_network

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Quota:
    """A client's quota. `wait` is in seconds, and 0 unless the quota was exceeded."""

    limit: int
    remaining: int
    seconds_left: int
    wait: int = 0

    @property
    def is_spent(self) -> bool:
        """Whether this request exceeded the quota."""
        return self.wait > 0


@dataclass(slots=True)
class _Bucket:
    tries: float
    since: float
    was_reported: bool = False


class RateLimiter:
    """`setting` names the setting with the number per minute.

    `tries` is what the log calls the counted requests, e.g. "wrong API keys".
    """

    # Above this number the client that was idle longest is forgotten, to limit memory.
    MAX_CLIENTS = 4096

    def __init__(self, setting: str, tries: str) -> None:
        self._setting = setting
        self._tries = tries
        self._lock = threading.Lock()
        self.buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, name: str) -> Quota:
        """Count one try."""
        full = self._full
        with self._lock:
            bucket = self._filled(name)
            if bucket.tries >= 1:
                bucket.tries -= 1
                left = math.ceil((full - bucket.tries) * 60 / full)
                return Quota(full, int(bucket.tries), left)
            was_reported, bucket.was_reported = bucket.was_reported, True
            wait = math.ceil((1 - bucket.tries) * 60 / full) if full else 60
        if not was_reported:
            logger.warning(
                "Too many %s from %s. It has to wait.",
                self._tries,
                name or "an unknown IP",
                extra={"status_code": 429},
            )
        return Quota(full, 0, 60, wait)

    def is_empty(self, name: str) -> bool:
        """Whether this client still has to wait. Counts nothing."""
        bucket = self.buckets.get(name)
        return bucket is not None and self._tries_now(bucket) < 1

    @property
    def _full(self) -> int:
        full: int = getattr(settings, self._setting)
        return full

    def _filled(self, name: str) -> _Bucket:
        now, full = time.monotonic(), self._full
        bucket = self.buckets.setdefault(name, _Bucket(full, now))
        bucket.tries = self._tries_now(bucket)
        bucket.since = now
        bucket.was_reported &= bucket.tries < full
        self.buckets.move_to_end(name)
        if len(self.buckets) > self.MAX_CLIENTS:
            self.buckets.popitem(last=False)
        return bucket

    def _tries_now(self, bucket: _Bucket) -> float:
        full = self._full
        return min(full, bucket.tries + (time.monotonic() - bucket.since) * full / 60)


class ClientRateLimiter(RateLimiter):
    """Limits wrong keys per client IP.

    Valid keys are not counted, so a stranger cannot use up a customer's quota, even from the same
    IP.
    """

    def take_of(self, meta: Mapping[str, Any]) -> Quota:
        """Count one wrong key."""
        return self.take(client_network(meta))

    def is_waiting(self, meta: Mapping[str, Any]) -> bool:
        """Whether the sender still has to wait. Counts nothing."""
        if not self.buckets:
            return False  # usual case; saves reading the client's IP
        return self.is_empty(client_network(meta))
