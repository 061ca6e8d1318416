"""Two doors: the whole site, and the webhook alone, which can be deployed apart from it.

`application` serves both, each with its own middleware, so that a page's sessions and sign-in never
cost a callback anything. `webhook_door` serves the webhook, and what watches it, and nothing else.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

import django
from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "statusboard.settings")
django.setup(set_prefix=False)

# A thread that comes back from the database must not wait 5 ms, Python's own figure, for another to
# let it go on: each callback comes back several times (measured on SQLite: 10 % more a second).
sys.setswitchinterval(0.0002)

from messages.webhooks.doorstep import turn_away  # noqa: E402  (Django is set up only now)

WSGIApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class DoorHandler(WSGIHandler):
    """Django's handler without any middleware, and with some of the routes only."""

    def __init__(self, urlconf: str) -> None:
        self._urlconf = urlconf
        super().__init__()

    def load_middleware(self, is_async: bool = False) -> None:
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        innermost: Any = self._get_response  # type: ignore[attr-defined]  # unknown to the stubs
        self._middleware_chain = convert_exception_to_response(innermost)

    def get_response(self, request: Any) -> Any:
        request.urlconf = self._urlconf
        return super().get_response(request)


class TimedDoorHandler(DoorHandler):
    def __init__(self, urlconf: str) -> None:
        # Only here: what is not measured need not be imported either.
        from messages.monitoring.door import note  # noqa: PLC0415

        self._note = note
        super().__init__(urlconf)

    def get_response(self, request: Any) -> Any:
        began = time.perf_counter()
        response = super().get_response(request)
        self._note(response, time.perf_counter() - began)
        return response


_WATCHED: Final = {"/healthz", "/readyz", "/metrics"}
_handler_of_callbacks = TimedDoorHandler if settings.METRICS_ON else DoorHandler
_callbacks: WSGIApplication = _handler_of_callbacks("messages.webhooks.urls")
# Without middleware: it answers whatever the host name, and while the database is away.
_watched: WSGIApplication = DoorHandler("messages.monitoring.urls")
_site: WSGIApplication = WSGIHandler()
# In seconds: a page waits no longer for the one before it, which may be waiting for Z-API.
_page_turn = threading.Lock()
_LONGEST_TURN = 0.25


def webhook_door(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    if environ.get("PATH_INFO") in _WATCHED:
        return _watched(environ, start_response)
    refusal = turn_away(environ, start_response)
    return _callbacks(environ, start_response) if refusal is None else refusal


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    path = environ.get("PATH_INFO", "")
    is_for_the_door = path.startswith("/webhooks/") or path in _WATCHED
    return (webhook_door if is_for_the_door else _page)(environ, start_response)


def _page(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """One page at a time in each process: more would gain nothing, and keep callbacks waiting."""
    has_turn = _page_turn.acquire(timeout=_LONGEST_TURN)
    try:
        return _site(environ, start_response)
    finally:
        if has_turn:
            _page_turn.release()
