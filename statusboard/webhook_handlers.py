"""Django's handler for the doors that need little of it: no middleware, some of the routes."""

import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final

from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler
from django.urls import ResolverMatch, get_resolver, set_urlconf


class MinimalHandler(WSGIHandler):
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

    def resolve_request(self, request: Any) -> ResolverMatch:
        # For the answer where there is no such route, too.
        set_urlconf(self._urlconf)
        path = request.path_info
        find = _match if len(path) <= _MAX_CACHED_LENGTH else _match.__wrapped__
        match: ResolverMatch = find(self._urlconf, path)
        request.resolver_match = match
        return match


# An instance's path is shorter. A stranger's may have any length, and memory is dear.
_MAX_CACHED_LENGTH: Final = 300


@lru_cache(maxsize=1024)
def _match(urlconf: str, path: str) -> ResolverMatch:
    """Remembered where there is one: an instance's callbacks all come by the same path."""
    return get_resolver(urlconf).resolve(path)


class CallbackHandler(MinimalHandler):
    """Without Django's signals around each request, and all that only a page needs.

    What listens to the signals looks after connections and caches: here the write path does, which
    gives up a connection when something went wrong with it (`messages.ingest.store`). Nor is the
    site's prefix noted, for no callback's answer holds a link.
    """

    # The stubs want the response itself, which is only one of the things that WSGI may be given.
    def __call__(  # type: ignore[override]
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        response: Any = self.get_response(self.request_class(environ))
        # A thread that answers a page next must not look for its links among these routes.
        set_urlconf(None)
        status = f"{response.status_code} {response.reason_phrase}"
        start_response(status, list(response.items()))
        return (response.content,)


class TimedCallbackHandler(CallbackHandler):
    def __init__(self, urlconf: str) -> None:
        # Only here: what is not measured need not be imported either.
        from messages.monitoring.webhook_latency import note  # noqa: PLC0415

        self._note = note
        super().__init__(urlconf)

    def get_response(self, request: Any) -> Any:
        began = time.perf_counter()
        response = super().get_response(request)
        self._note(response, time.perf_counter() - began)
        return response
