"""Middleware of the pages. Callbacks do not pass through it: see wsgi.py."""

import logging
import re
import uuid
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse, QueryDict, UnreadablePostError

_GetResponse = Callable[[HttpRequest], HttpResponse]

REQUEST_ID_HEADER: Final = "X-Request-ID"
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")
_current_id: ContextVar[str] = ContextVar("request id", default="")

# What pages may use in a browser; all other features are off.
_ALLOWED = ("publickey-credentials-create", "publickey-credentials-get", "clipboard-write")
_DENIED = ["accelerometer", "autoplay", "browsing-topics", "camera", "display-capture"]
_DENIED += ["encrypted-media", "fullscreen", "geolocation", "gyroscope", "hid", "idle-detection"]
_DENIED += ["local-fonts", "magnetometer", "microphone", "midi", "payment", "picture-in-picture"]
_DENIED += ["screen-wake-lock", "serial", "usb", "xr-spatial-tracking"]
_PERMISSIONS = ", ".join(
    [*(f"{name}=(self)" for name in _ALLOWED), *(f"{name}=()" for name in _DENIED)]
)


class RequestIdMiddleware:
    """Gives each request an id, which is in its answer and in every log line about it.

    A valid id from a proxy is kept, so that both logs can be compared.
    """

    def __init__(self, get_response: _GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get(REQUEST_ID_HEADER, "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        # Django logs the answer after all middleware is done.
        request.request_id = request_id  # type: ignore[attr-defined]
        token = _current_id.set(request_id)
        try:
            response = self.get_response(request)
        finally:
            _current_id.reset(token)
        response.headers[REQUEST_ID_HEADER] = request_id
        return response


class RequestIdFilter(logging.Filter):
    """Gives every log record a `request_id`, which is "-" outside of requests."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        record.request_id = getattr(request, "request_id", "") or _current_id.get() or "-"
        return True


class BrowserPolicyMiddleware:
    """Sets headers that Django does not: which features pages use, and that they are not cached.

    Otherwise the Back button would still show messages after the sign-out, e.g. to the next person
    at the computer. Static files are answered before this middleware and may be cached.
    """

    def __init__(self, get_response: _GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", _PERMISSIONS)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if "no-store" not in response.headers.get("Cache-Control", ""):
            response.headers["Cache-Control"] = "no-store"
        return response


class Utf8Middleware:
    """Reads every form and query string as UTF-8, whatever charset the client claims.

    Browsers send UTF-8. Another charset, such as UTF-7, could yield text that no database takes.
    """

    def __init__(self, get_response: _GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.encoding = "utf-8"
        return self.get_response(request)


class NoNulMiddleware:
    """Replaces NUL in the text of every page's request.

    PostgreSQL refuses to store or search for NUL; SQLite allows both. The API checks its parameters
    itself, so that its clients get an error.
    """

    def __init__(self, get_response: _GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        for name, value in request.COOKIES.items():
            request.COOKIES[name] = _without_nul(value)
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> None:
        if any("\0" in str(value) for value in kwargs.values()):
            raise Http404
        if request.resolver_match and request.resolver_match.namespace == "api":
            return
        request.GET = _clean(request.GET)  # type: ignore[assignment]
        try:
            request.POST = _clean(request.POST)  # type: ignore[assignment]
        except UnreadablePostError:  # the client is gone
            return


def _clean(given: QueryDict) -> QueryDict:
    if not any("\0" in text for name, texts in given.lists() for text in (name, *texts)):
        return given
    clean = QueryDict(mutable=True)
    for name, texts in given.lists():
        clean.setlist(_without_nul(name), [_without_nul(text) for text in texts])
    return clean


def _without_nul(text: str) -> str:
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
