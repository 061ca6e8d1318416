"""Before Django is asked: who was told to wait is told so again, at a tenth of the cost.

What a flood of wrong keys takes, the callbacks beside it have to wait for. So it is also kept
waiting: a thread that sleeps takes nothing from the others, and who waits for it cannot ask again.
"""

import json
import threading
from collections.abc import Callable, Iterable
from time import sleep
from typing import Any, Final

from messages.instances import webhook_keys
from statusboard.early_responses import WSGIApplication

from .gate import TOO_MANY, wrong_keys

# In seconds.
HOLD: Final = 0.25
_PREFIX: Final = "/webhooks/zapi/"
_BODY: Final = json.dumps({"error": TOO_MANY}).encode()


class RejectionDelay:
    """How many stand at the door of this process at once, and whom of them it keeps waiting.

    The most that ever did is all that can be known of the server's threads: half of so many are
    left to callbacks, whatever their number.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._here = self._most = self._kept = 0

    def __enter__(self) -> None:
        with self._lock:
            self._here += 1
            self._most = max(self._most, self._here)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._here -= 1

    def keep_waiting(self) -> None:
        """For a moment; not at all where too many are kept already."""
        with self._lock:
            if self._kept >= self._most // 2:
                return
            self._kept += 1
        try:
            sleep(HOLD)
        finally:
            with self._lock:
                self._kept -= 1


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
    rejection_delay.keep_waiting()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(_BODY))}
    headers["Retry-After"] = str(seconds)
    start_response("429 Too Many Requests", list(headers.items()))
    return (_BODY,)
