"""All errors of the API as RFC 9457 problem details."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

PREFIX: Final = "/api"
MEDIA_TYPE: Final = "application/problem+json"
# Headers of an error page that the problem keeps.
_KEPT: Final = ("Allow", "Retry-After", "WWW-Authenticate")
_WORDS: Final = {
    400: gettext_lazy("Invalid request or wrong host name."),
    403: gettext_lazy("You do not have permission to do this."),
    404: gettext_lazy("Not found. See /api/v1/schema/."),
    409: gettext_lazy("Another request changed this at the same time. Send the request again."),
    500: gettext_lazy("Something went wrong. Look for the X-Request-ID in the server log."),
    503: gettext_lazy("The database is unavailable. Try again in a moment."),
}


class ParameterError(ValidationError):
    """Errors in URL parameters: reported by parameter name, not by JSON pointer."""


class ProblemMiddleware:
    """Replaces HTML error pages below /api/ with problems: 404, bad host, 500, 503.

    It builds a new response, because cookies and Content-Length belong to the page.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code < 400 or not _is_api_path(request.path_info):
            return response
        if response.headers["Content-Type"] == MEDIA_TYPE:
            return response
        return _as_problem(response)


def _is_api_path(path: str) -> bool:
    return path == PREFIX or path.startswith(f"{PREFIX}/")


def _as_problem(page: HttpResponse) -> HttpResponse:
    data = problem(page.status_code, str(_WORDS.get(page.status_code, "")))
    body = json.dumps(data).encode()
    headers = {name: page.headers[name] for name in _KEPT if name in page.headers}
    headers |= {"Cache-Control": "no-store", "Content-Length": str(len(body))}
    return HttpResponse(body, status=page.status_code, content_type=MEDIA_TYPE, headers=headers)


def problem(code: int, detail: str = "", **members: Any) -> dict[str, Any]:
    """The type is `about:blank`: the status says what kind of problem it is."""
    known = {"type": "about:blank", "title": HTTPStatus(code).phrase, "status": code}
    return known | ({"detail": detail} if detail else {}) | members


def problem_response(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Return DRF's error response as problem+json.

    Return None for other exceptions, which Django then handles.
    """
    response = exception_handler(exc, context)
    if response is None:
        return None
    response.data = _members(exc, response)
    response.content_type = MEDIA_TYPE
    return response


def _members(exc: Exception, response: Response) -> dict[str, Any]:
    if not isinstance(exc, ValidationError):
        return problem(response.status_code, str(response.data.get("detail", "")))
    words = _("Invalid request. See “errors” for details.")
    faults = _faults(exc.detail)
    if isinstance(exc, ParameterError):
        errors = [{"parameter": "".join(place[:1]), "detail": text} for place, text in faults]
    else:
        errors = [{"pointer": _pointer(place), "detail": text} for place, text in faults]
    return problem(response.status_code, getattr(exc, "summary", words), errors=errors)


def _faults(detail: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """DRF's nested errors as a flat list; the key "" means the whole object."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from _faults(inner, (*place, str(name)) if name != "" else place)
    elif isinstance(detail, list):
        for inner in detail:
            yield from _faults(inner, place)
    else:
        yield place, str(detail)


def _pointer(place: Iterable[str]) -> str:
    """A JSON pointer (RFC 6901); "" is the whole document."""
    return "".join(f"/{name.replace('~', '~0').replace('/', '~1')}" for name in place)
