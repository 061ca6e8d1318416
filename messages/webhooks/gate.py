"""Who may knock: the networks let in, and how often a stranger may try a key."""

import logging
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_network
from typing import Any

from django.conf import settings

from statusboard.callers import Address, Networks, client_address, is_in

logger = logging.getLogger(__name__)

TOO_MANY = "Too many wrong keys."


def admits(meta: Mapping[str, Any]) -> bool:
    """Whether the caller's network is let in; each is where none was named."""
    networks: Networks = settings.WEBHOOK_ALLOWED_NETWORKS
    return not networks or is_in(client_address(meta), networks)


@dataclass(slots=True)
class _Bucket:
    tries: float
    since: float
    was_reported: bool = False


def _tries_now(bucket: _Bucket) -> float:
    full: int = settings.WEBHOOK_WRONG_KEYS_PER_MINUTE
    return min(full, bucket.tries + (time.monotonic() - bucket.since) * full / 60)


class WrongKeys:
    """A bucket of tries for each address, which fills again within a minute.

    Only wrong keys are counted, so that no stranger can use up what a customer needs, even from
    behind the same address.
    """

    # Above it the address not heard of for longest is forgotten, so that memory has a bound.
    MOST_ADDRESSES = 4096

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def seconds_to_wait(self, meta: Mapping[str, Any]) -> int:
        """Count one wrong key; 0 where its sender is to be answered as usual."""
        source = _source(client_address(meta))
        rate = settings.WEBHOOK_WRONG_KEYS_PER_MINUTE / 60
        with self._lock:
            bucket = self._filled(source, rate)
            if bucket.tries >= 1:
                bucket.tries -= 1
                return 0
            was_reported, bucket.was_reported = bucket.was_reported, True
        if not was_reported:
            logger.warning(
                "Too many wrong webhook keys from %s: it is told to wait.",
                source or "an unknown address",
                extra={"status_code": 429},
            )
        return math.ceil((1 - bucket.tries) / rate) if rate else 60

    def is_waiting(self, meta: Mapping[str, Any]) -> bool:
        """Whether its sender was told to wait and has not done so. Counts nothing."""
        if not self._buckets:
            return False  # as nearly always, and then nobody's address need be read
        bucket = self._buckets.get(_source(client_address(meta)))
        return bucket is not None and _tries_now(bucket) < 1

    def forget(self) -> None:
        self._buckets.clear()

    def _filled(self, source: str, rate: float) -> _Bucket:
        now, full = time.monotonic(), rate * 60
        bucket = self._buckets.setdefault(source, _Bucket(full, now))
        bucket.tries = _tries_now(bucket)
        bucket.since = now
        bucket.was_reported &= bucket.tries < full
        self._buckets.move_to_end(source)
        if len(self._buckets) > self.MOST_ADDRESSES:
            self._buckets.popitem(last=False)
        return bucket


def _source(address: Address | None) -> str:
    """One subscriber: an IPv4 address, or the 64 bits of IPv6 that a provider gives out."""
    if isinstance(address, IPv6Address):
        return str(ip_network((address, 64), strict=False))
    return str(address or "")


wrong_keys = WrongKeys()
