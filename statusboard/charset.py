"""Texts of requests are UTF-8, whatever a client claims, and hold no NUL."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse, QueryDict, UnreadablePostError

# In characters. A browser's, with the longest boundary that is allowed, has 100.
_MAX_CONTENT_TYPE_LENGTH: Final = 256


def drop_strange_content_type(environ: dict[str, Any]) -> None:
    """Forget a Content-Type whose parameters are in an encoding of their own (RFC 2231), or long.

    No browser and no Z-API sends one. Django reads it while it makes the request, where an encoding
    that Python does not know is an error that no handler answers, and where 64 kB of semicolons
    take seconds.
    """
    given = environ.get("CONTENT_TYPE", "")
    if "*" in given or len(given) > _MAX_CONTENT_TYPE_LENGTH:
        environ["CONTENT_TYPE"] = "application/octet-stream"


class Utf8Middleware:
    """Reads every form and query string as UTF-8, whatever charset the client claims.

    Browsers send UTF-8. By another charset, such as UTF-7, texts could be made that no database
    and no hash takes.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.encoding = "utf-8"
        return self.get_response(request)


class NoNulMiddleware:
    """Takes NUL out of the texts of every page's request, before anything reads them.

    PostgreSQL refuses to store it or to search for it, and SQLite would do both. The API, which
    tells its clients what is wrong with a parameter, looks by itself.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
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
        request.GET = _clean(request.GET)  # type: ignore[assignment]  # not after this
        try:
            request.POST = _clean(request.POST)  # type: ignore[assignment]  # nor here
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
