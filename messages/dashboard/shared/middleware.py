"""Middleware of the pages: the viewer's time zone, and answers to conflicts and outages."""

import logging
import sys
import traceback
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.core.signals import got_request_exception
from django.db import IntegrityError, InterfaceError, OperationalError
from django.db.models import ProtectedError, RestrictedError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone

from messages.ingest.service import breaker
from statusboard.databases import each_within, is_away

from .views import zone_of


class ViewerTimeZoneMiddleware:
    """Shows times in the viewer's zone: the one they chose, else their browser's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with timezone.override(zone_of(request)):
            return self.get_response(request)


logger = logging.getLogger(__name__)

_CONFLICTS = (IntegrityError, ProtectedError, RestrictedError, ObjectDoesNotExist)


class ConflictMiddleware:
    """Answers 409 when something changed between a view's query and its write.

    For example a row was deleted, a name was taken, or something still refers to a deleted row. The
    view's changes are rolled back. The log names the lines of code, because a bug can raise the
    same exceptions.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, _CONFLICTS):
            return None
        # Do not log the text of the exception: it contains values of the row.
        calls = traceback.extract_tb(exception.__traceback__)
        ours = [f"{one.filename}:{one.lineno}" for one in calls if "/messages/" in one.filename]
        logger.warning("Conflict (%s) in %s", type(exception).__name__, " > ".join(ours))
        return render(request, "409.html", status=409)


# Seconds for each query of a page. The slowest query that we expect takes a tenth of this.
DATABASE_TIMEOUT = 2.0


class DatabaseUnavailableMiddleware:
    """Answers 503 while the database is unavailable. The first pages wait until a query times out.

    Later ones get the answer at once. It does not limit what a page streams: an export may take
    longer.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        got_request_exception.connect(_on_exception, dispatch_uid="database away")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if breaker.is_open:
            return _unavailable()
        with each_within(DATABASE_TIMEOUT):
            response = self.get_response(request)
        return _unavailable() if take_database_failure(request, response) else response


_FAILED = "database_failed"


def take_database_failure(request: HttpRequest, response: HttpResponse) -> bool:
    """Whether the page failed because of its database. The failure is then forgotten."""
    has_failed = response.status_code == 500 and hasattr(request, _FAILED)
    if has_failed:
        delattr(request, _FAILED)
    return has_failed


def _on_exception(request: HttpRequest | None = None, **_: Any) -> None:
    """One slow query proves nothing about the database, so the circuit breaker checks it first."""
    error = sys.exception()
    if isinstance(error, OperationalError | InterfaceError) and is_away(error):
        setattr(request, _FAILED, True)
        breaker.open_unless_available()


def _unavailable() -> HttpResponse:
    # Without the request: a context processor would query the database for the viewer.
    body = render_to_string("503.html")
    return HttpResponse(body, status=503, headers={"Retry-After": "5"})
