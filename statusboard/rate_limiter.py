"""How often somebody may try: a bucket for each, which fills again within a minute."""

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
    """What is left of somebody's minute; `wait` is in seconds, 0 where there was still one left."""

    limit: int
    remaining: int
    seconds_left: int
    wait: int = 0

    @property
    def is_spent(self) -> bool:
        """Whether this very request was one too many."""
        return self.wait > 0


@dataclass(slots=True)
class _Bucket:
    tries: float
    since: float
    was_reported: bool = False


class RateLimiter:
    """`setting` names the setting that says how many a minute, `tries` what they are in the log."""

    # Above it the one not heard of for longest is forgotten, so that memory has a bound.
    MAX_CLIENTS = 4096

    def __init__(self, setting: str, tries: str) -> None:
        self._setting = setting
        self._tries = tries
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, name: str) -> Quota:
        """Count one."""
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
                "Too many %s from %s: it is told to wait.",
                self._tries,
                name or "an unknown address",
                extra={"status_code": 429},
            )
        return Quota(full, 0, 60, wait)

    def is_empty(self, name: str) -> bool:
        """Whether its owner was told to wait and has not done so. Counts nothing."""
        bucket = self._buckets.get(name)
        return bucket is not None and self._tries_now(bucket) < 1

    def forget(self) -> None:
        self._buckets.clear()

    @property
    def _full(self) -> int:
        full: int = getattr(settings, self._setting)
        return full

    def _filled(self, name: str) -> _Bucket:
        now, full = time.monotonic(), self._full
        bucket = self._buckets.setdefault(name, _Bucket(full, now))
        bucket.tries = self._tries_now(bucket)
        bucket.since = now
        bucket.was_reported &= bucket.tries < full
        self._buckets.move_to_end(name)
        if len(self._buckets) > self.MAX_CLIENTS:
            self._buckets.popitem(last=False)
        return bucket

    def _tries_now(self, bucket: _Bucket) -> float:
        full = self._full
        return min(full, bucket.tries + (time.monotonic() - bucket.since) * full / 60)


class ClientRateLimiter(RateLimiter):
    """Those who send wrong keys, by their address.

    Only wrong keys are counted, so that no stranger can use up what a customer needs, even from
    behind the same address.
    """

    def take_of(self, meta: Mapping[str, Any]) -> Quota:
        """Count one wrong key."""
        return self.take(client_network(meta))

    def is_waiting(self, meta: Mapping[str, Any]) -> bool:
        """Whether its sender was told to wait and has not done so. Counts nothing."""
        if not self._buckets:
            return False  # as nearly always, and then nobody's address need be read
        return self.is_empty(client_network(meta))
