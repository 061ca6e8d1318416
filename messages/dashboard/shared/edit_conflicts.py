"""Two changes at once: the later one is answered 409, and nothing of it is kept."""

import logging
import traceback
from collections.abc import Callable

from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError
from django.db.models import ProtectedError, RestrictedError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

logger = logging.getLogger(__name__)

_CONFLICTS = (IntegrityError, ProtectedError, RestrictedError, ObjectDoesNotExist)


class ConflictMiddleware:
    """Answers what a view did not foresee between its look at the database and its write.

    A row that is gone by then, a name taken meanwhile, or something that still refers to what is
    deleted. The log tells where, because a mistake of ours would look the same.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, _CONFLICTS):
            return None
        # Without the message: the database quotes the values of the row.
        calls = traceback.extract_tb(exception.__traceback__)
        ours = [f"{one.filename}:{one.lineno}" for one in calls if "/messages/" in one.filename]
        logger.warning("Conflict (%s) in %s", type(exception).__name__, " > ".join(ours))
        return render(request, "409.html", status=409)
