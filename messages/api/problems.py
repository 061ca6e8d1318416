"""Every error of the API as RFC 9457 words it, whoever it comes from."""

import json
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

PREFIX: Final = "/api/"
MEDIA_TYPE: Final = "application/problem+json"


class ProblemMiddleware:
    """Rewords what comes from outside the views: no such URL, a bad host, the database away."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code < 400 or not request.path_info.startswith(PREFIX):
            return response
        if response.headers["Content-Type"] != MEDIA_TYPE:
            response.content = json.dumps(problem(response.status_code)).encode()
            response.headers["Content-Type"] = MEDIA_TYPE
        return response


def problem(code: int, detail: str = "", **members: Any) -> dict[str, Any]:
    """`about:blank`, because the status says all that there is to say of the kind of problem."""
    known = {"type": "about:blank", "title": HTTPStatus(code).phrase, "status": code}
    return known | ({"detail": detail} if detail else {}) | members


def problem_response(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's own answer, reworded; None leaves an unforeseen error to Django and the middleware."""
    response = exception_handler(exc, context)
    if response is None:
        return None
    response.data = _members(exc, response)
    response.content_type = MEDIA_TYPE
    return response


def _members(exc: Exception, response: Response) -> dict[str, Any]:
    if isinstance(exc, ValidationError):
        words = _("The request is not as it must be; “errors” says what is wrong with it.")
        return problem(response.status_code, words, errors=list(_errors(exc.detail)))
    return problem(response.status_code, str(response.data.get("detail", "")))


def _errors(detail: Any, pointer: str = "") -> Iterator[dict[str, str]]:
    """What DRF nests, in one list; each with a JSON pointer to the member or parameter."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from _errors(inner, f"{pointer}/{name}")
    elif isinstance(detail, list):
        for inner in detail:
            yield from _errors(inner, pointer)
    else:
        yield {"pointer": pointer, "detail": str(detail)}
