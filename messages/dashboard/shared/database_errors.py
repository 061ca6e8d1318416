"""The answer of pages while the database is unavailable or too slow."""

import sys
from collections.abc import Callable
from typing import Any

from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from messages.ingest.service import breaker
from statusboard.databases import each_within, is_away

# Seconds for each query of a page. The slowest intended one needs a tenth of it.
DATABASE_TIMEOUT = 2.0


class DatabaseUnavailableMiddleware:
    """The first pages wait for a query's timeout; later ones are answered at once.

    It does not limit what a page streams: an export may take longer.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        got_request_exception.connect(_on_exception, dispatch_uid="database away")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if breaker.is_open:
            return _unavailable()
        with each_within(DATABASE_TIMEOUT):
            response = self.get_response(request)
        has_failed = response.status_code == 500 and hasattr(request, _FAILED)
        return _unavailable() if has_failed else response


_FAILED = "database_failed"


def _on_exception(request: HttpRequest | None = None, **_: Any) -> None:
    """One slow query proves nothing about the database, so the circuit breaker checks it first."""
    error = sys.exception()
    if isinstance(error, OperationalError | InterfaceError) and is_away(error):
        setattr(request, _FAILED, True)
        breaker.doubt()


def _unavailable() -> HttpResponse:
    # Without the request: a context processor would query the database for the viewer.
    body = render_to_string("503.html")
    return HttpResponse(body, status=503, headers={"Retry-After": "5"})
