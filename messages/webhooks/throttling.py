"""Limits on who may call the webhook: allowed networks, and requests with a wrong key.

A client over the limit of wrong keys is rejected before Django runs, at a tenth of the cost. The
rejection is also delayed, because a flood of wrong keys would slow down callbacks. A sleeping
thread needs no CPU, and a client that waits for its answer sends no other request.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from threading import Semaphore
from time import sleep
from typing import Any, Final

from django.conf import settings

from messages.instances import webhook_keys
from statusboard.client_ips import Networks, client_ip, is_in
from statusboard.early_responses import WSGIApplication
from statusboard.page_limiter import server_threads
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


# At most half of this process's threads delay rejections. The rest serve callbacks.
delay_slots = Semaphore(server_threads() // 2)


def limit_wrong_keys(application: WSGIApplication) -> WSGIApplication:
    """Rejects repeated wrong keys without calling `application`.

    The response is the same as the view's.
    """

    def limited(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "POST" or not wrong_keys.is_waiting(environ):
            return application(environ, start_response)
        key = environ["PATH_INFO"].removeprefix(_PREFIX).removesuffix("/")
        if webhook_keys.verify(key) or not (seconds := wrong_keys.take_of(environ).wait):
            return application(environ, start_response)
        if delay_slots.acquire(blocking=False):
            try:
                sleep(DELAY)
            finally:
                delay_slots.release()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(_BODY))}
        headers["Retry-After"] = str(seconds)
        start_response("429 Too Many Requests", list(headers.items()))
        return (_BODY,)

    return limited
