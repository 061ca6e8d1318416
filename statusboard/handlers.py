"""Django's handler for the doors that need little of it: no middleware, some of the routes."""

import time
from collections.abc import Callable, Iterable
from typing import Any

from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler, get_script_name
from django.urls import set_script_prefix, set_urlconf


class DoorHandler(WSGIHandler):
    """Without any middleware, and with the routes of `urlconf` only."""

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


class CallbackHandler(DoorHandler):
    """Without Django's signals around each request too; a fifth of a callback's time went there.

    What listens to them looks after connections and caches: here the write path does, which gives
    up a connection when something went wrong with it (`messages.ingest.store`).
    """

    # The stubs want the response itself, which is only one of the things that WSGI may be given.
    def __call__(  # type: ignore[override]
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        set_script_prefix(get_script_name(environ))
        response = self.get_response(self.request_class(environ))
        set_urlconf(None)
        status = f"{response.status_code} {response.reason_phrase}"
        start_response(status, list(response.items()))
        return (response.content,)


class TimedCallbackHandler(CallbackHandler):
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
