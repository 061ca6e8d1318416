"""Pages while the database is away, or too slow for one of them."""

import sys
from collections.abc import Callable
from typing import Any

from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from messages.ingest.service import breaker

from .database_state import is_away
from .deadline import each_within

# For each query of a page, in seconds. The slowest that is meant to be needs a tenth of it.
DATABASE_TIMEOUT = 2.0


class DatabaseUnavailableMiddleware:
    """The first pages notice, within a query's time; those after them are answered at once.

    What a page streams is out of its reach: an export may take as long as it takes.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        got_request_exception.connect(_notice, dispatch_uid="database away")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if breaker.is_open:
            return _sorry()
        with each_within(DATABASE_TIMEOUT):
            response = self.get_response(request)
        has_failed = response.status_code == 500 and hasattr(request, _FAILED)
        return _sorry() if has_failed else response


_FAILED = "database_failed"


def _notice(request: HttpRequest | None = None, **_: Any) -> None:
    """Of one page whose query took too long nothing follows for the others, nor for callbacks."""
    error = sys.exception()
    if isinstance(error, OperationalError | InterfaceError) and is_away(error):
        setattr(request, _FAILED, True)
        breaker.doubt()


def _sorry() -> HttpResponse:
    # Without the request: a context processor would ask the database who is looking.
    body = render_to_string("503.html")
    return HttpResponse(body, status=503, headers={"Retry-After": "5"})
