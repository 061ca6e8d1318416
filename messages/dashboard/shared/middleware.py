from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from .preferences import zone_of


class ViewerTimeZoneMiddleware:
    """Shows times in the viewer's zone: the one they chose, else their browser's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with timezone.override(zone_of(request)):
            return self.get_response(request)
