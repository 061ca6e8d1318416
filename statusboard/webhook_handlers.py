"""Django handlers without middleware, for callbacks and for monitoring."""

import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final

from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler
from django.urls import ResolverMatch, get_resolver, set_urlconf


class MinimalHandler(WSGIHandler):
    """Serves only the routes of `urlconf`, without middleware."""

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
        # Set it here, so that the 404 answer also uses these routes.
        set_urlconf(self._urlconf)
        path = request.path_info
        find = _match if len(path) <= _MAX_CACHED_LENGTH else _match.__wrapped__
        match: ResolverMatch = find(self._urlconf, path)
        request.resolver_match = match
        return match


# The path of an instance is shorter. Longer paths are not cached, to save memory.
_MAX_CACHED_LENGTH: Final = 300


@lru_cache(maxsize=1024)
def _match(urlconf: str, path: str) -> ResolverMatch:
    """Cached if it exists: all callbacks of an instance have the same path."""
    return get_resolver(urlconf).resolve(path)


class CallbackHandler(MinimalHandler):
    """Also without Django's request signals and the script prefix.

    The signals only manage connections and caches. Here ingest closes a connection after an error
    (`messages.ingest.store`). The prefix is only needed for links, which these answers do not have.
    """

    # The stubs expect the response itself, although WSGI accepts any iterable.
    def __call__(  # type: ignore[override]
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        response: Any = self.get_response(self.request_class(environ))
        # The next page in this thread must not resolve its links with these routes.
        set_urlconf(None)
        status = f"{response.status_code} {response.reason_phrase}"
        start_response(status, list(response.items()))
        return (response.content,)


class TimedCallbackHandler(CallbackHandler):
    def __init__(self, urlconf: str) -> None:
        # Imported here, so that it is loaded only if metrics are on.
        from messages.monitoring.webhook_latency import note  # noqa: PLC0415

        self._note = note
        super().__init__(urlconf)

    def get_response(self, request: Any) -> Any:
        began = time.perf_counter()
        response = super().get_response(request)
        self._note(response, time.perf_counter() - began)
        return response
