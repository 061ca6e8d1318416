"""Before Django is asked: who was told to wait is told so again, at a tenth of the cost.

What a flood of wrong keys takes, the callbacks beside it have to wait for.
"""

import json
from collections.abc import Callable
from typing import Any, Final

from messages.instances import keys

from .gate import TOO_MANY, wrong_keys

_PREFIX: Final = "/webhooks/zapi/"
_BODY: Final = json.dumps({"error": TOO_MANY}).encode()


def turn_away(
    environ: dict[str, Any], start_response: Callable[..., Any]
) -> tuple[bytes, ...] | None:
    """The answer to somebody's next wrong key, in the view's own words; None for all others."""
    if environ["REQUEST_METHOD"] != "POST" or not wrong_keys.is_waiting(environ):
        return None
    key = environ["PATH_INFO"].removeprefix(_PREFIX).removesuffix("/")
    if keys.verify(key) or not (seconds := wrong_keys.take_of(environ).wait):
        return None
    headers = {"Content-Type": "application/json", "Content-Length": str(len(_BODY))}
    headers["Retry-After"] = str(seconds)
    start_response("429 Too Many Requests", list(headers.items()))
    return (_BODY,)
