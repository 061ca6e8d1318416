"""Texts of requests are UTF-8, whatever a client claims."""

from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

# In characters. A browser's, with the longest boundary that is allowed, has 100.
_LONGEST_CONTENT_TYPE: Final = 256


def drop_strange_content_type(environ: dict[str, Any]) -> None:
    """Forget a Content-Type whose parameters are in an encoding of their own (RFC 2231), or long.

    No browser and no Z-API sends one. Django reads it while it makes the request, where an encoding
    that Python does not know is an error that no handler answers, and where 64 kB of semicolons
    take seconds.
    """
    given = environ.get("CONTENT_TYPE", "")
    if "*" in given or len(given) > _LONGEST_CONTENT_TYPE:
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
