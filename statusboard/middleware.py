"""Around every page: while the database is away, and what a browser may do with it."""

import sys
from collections.abc import Callable
from typing import Any

from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from messages.ingest.record import breaker
from messages.ingest.store import is_away

from .deadline import each_within

# For each query of a page, in seconds. The slowest that is meant to be needs a tenth of it.
PATIENCE = 2.0


class DatabaseAwayMiddleware:
    """The first pages notice, within a query's time; those after them are answered at once.

    What a page streams is out of its reach: an export may take as long as it takes.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        got_request_exception.connect(_notice, dispatch_uid="database away")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if breaker.is_open:
            return _sorry()
        with each_within(PATIENCE):
            response = self.get_response(request)
        return _sorry() if response.status_code == 500 and breaker.is_open else response


def _notice(**_: Any) -> None:
    error = sys.exception()
    if isinstance(error, OperationalError | InterfaceError) and is_away(error):
        breaker.open()


def _sorry() -> HttpResponse:
    # Without the request: a context processor would ask the database who is looking.
    body = render_to_string("503.html")
    return HttpResponse(body, status=503, headers={"Retry-After": "5"})


# What pages may ask of a browser: passkeys, and nothing else that a browser offers.
_OWN = ("publickey-credentials-create", "publickey-credentials-get", "clipboard-write")
_NONE = ["accelerometer", "autoplay", "browsing-topics", "camera", "display-capture"]
_NONE += ["encrypted-media", "fullscreen", "geolocation", "gyroscope", "hid", "idle-detection"]
_NONE += ["local-fonts", "magnetometer", "microphone", "midi", "payment", "picture-in-picture"]
_NONE += ["screen-wake-lock", "serial", "usb", "xr-spatial-tracking"]
_PERMISSIONS = ", ".join([*(f"{name}=(self)" for name in _OWN), *(f"{name}=()" for name in _NONE)])


class BrowserLimitsMiddleware:
    """Headers that Django does not set: what pages may use, and that no other site may use them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", _PERMISSIONS)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response
