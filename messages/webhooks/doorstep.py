"""Before Django is asked: who was told to wait is told so again, at a tenth of the cost.

What a flood of wrong keys takes, the callbacks beside it have to wait for. So it is also kept
waiting: a thread that sleeps takes nothing from the others, and who waits for it cannot ask again.
"""

import json
import threading
from collections.abc import Callable
from time import sleep
from typing import Any, Final

from django.conf import settings

from messages.instances import keys

from .gate import TOO_MANY, wrong_keys

# In seconds.
HOLD: Final = 0.25
_PREFIX: Final = "/webhooks/zapi/"
_BODY: Final = json.dumps({"error": TOO_MANY}).encode()
# Callbacks keep at least half of the process's threads; who finds no seat is answered at once.
_seats: Final = threading.Semaphore(settings.WEB_THREADS // 2)


def turn_away(
    environ: dict[str, Any], start_response: Callable[..., Any]
) -> tuple[bytes, ...] | None:
    """The answer to somebody's next wrong key, in the view's own words; None for all others."""
    if environ["REQUEST_METHOD"] != "POST" or not wrong_keys.is_waiting(environ):
        return None
    key = environ["PATH_INFO"].removeprefix(_PREFIX).removesuffix("/")
    if keys.verify(key) or not (seconds := wrong_keys.take_of(environ).wait):
        return None
    _keep_waiting()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(_BODY))}
    headers["Retry-After"] = str(seconds)
    start_response("429 Too Many Requests", list(headers.items()))
    return (_BODY,)


def _keep_waiting() -> None:
    if _seats.acquire(blocking=False):
        try:
            sleep(HOLD)
        finally:
            _seats.release()
