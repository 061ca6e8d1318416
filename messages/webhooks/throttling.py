"""Limits on who may call the webhook: allowed networks, and requests with a wrong key.

A client over the limit of wrong keys is rejected before Django runs, at a tenth of the cost. The
rejection is also delayed, because a flood of wrong keys would slow down callbacks. A sleeping
thread costs nothing, and a client that waits for it sends nothing else.
"""

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from time import sleep
from typing import Any, Final

from django.conf import settings

from messages.instances import webhook_keys
from statusboard.client_ips import Networks, client_ip, is_in
from statusboard.early_responses import WSGIApplication
from statusboard.rate_limiter import ClientRateLimiter

TOO_MANY = "Too many requests with a wrong key."
# In seconds.
DELAY: Final = 0.25
_PREFIX: Final = "/webhooks/zapi/"
_BODY: Final = json.dumps({"error": TOO_MANY}).encode()


wrong_keys = ClientRateLimiter("WEBHOOK_WRONG_KEYS_PER_MINUTE", "wrong webhook keys")


def is_allowed_network(meta: Mapping[str, Any]) -> bool:
    """Whether the client's network is allowed. All are if none is configured."""
    networks: Networks = settings.WEBHOOK_ALLOWED_NETWORKS
    return not networks or is_in(client_ip(meta), networks)


class RejectionDelay:
    """Delays rejections, in at most half of this process's threads. The rest serve callbacks.

    The number of threads is unknown, so it is estimated by the highest number of simultaneous
    requests so far.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests = self._max_requests = self._delayed = 0

    def __enter__(self) -> None:
        with self._lock:
            self._requests += 1
            self._max_requests = max(self._max_requests, self._requests)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._requests -= 1

    def wait(self) -> None:
        """Sleep for a moment, or not at all if too many rejections are delayed already."""
        with self._lock:
            if self._delayed >= self._max_requests // 2:
                return
            self._delayed += 1
        try:
            sleep(DELAY)
        finally:
            with self._lock:
                self._delayed -= 1


rejection_delay: Final = RejectionDelay()


def limit_wrong_keys(application: WSGIApplication) -> WSGIApplication:
    """Rejects repeated wrong keys before `application` is called."""

    def limited(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        with rejection_delay:
            rejection = reject_early(environ, start_response)
            return application(environ, start_response) if rejection is None else rejection

    return limited


def reject_early(
    environ: dict[str, Any], start_response: Callable[..., Any]
) -> tuple[bytes, ...] | None:
    """The answer to somebody's next wrong key, in the view's own words; None for all others."""
    if environ["REQUEST_METHOD"] != "POST" or not wrong_keys.is_waiting(environ):
        return None
    key = environ["PATH_INFO"].removeprefix(_PREFIX).removesuffix("/")
    if webhook_keys.verify(key) or not (seconds := wrong_keys.take_of(environ).wait):
        return None
    rejection_delay.wait()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(_BODY))}
    headers["Retry-After"] = str(seconds)
    start_response("429 Too Many Requests", list(headers.items()))
    return (_BODY,)
