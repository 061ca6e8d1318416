from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


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
