import zoneinfo
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

COOKIE = "statusboard_time_zone"
UTC = "UTC"
OF_LANGUAGE = {"pt-br": "America/Sao_Paulo"}


class ViewerTimeZoneMiddleware:
    """Shows times in the viewer's zone: the one they chose, else the one of their language."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with timezone.override(_zone(request)):
            return self.get_response(request)


def _zone(request: HttpRequest) -> zoneinfo.ZoneInfo:
    default = OF_LANGUAGE.get(translation.get_language() or "", UTC)
    try:
        return zoneinfo.ZoneInfo(request.COOKIES.get(COOKIE) or default)
    except (ValueError, OSError):  # an unknown name, or one that is no name at all
        return zoneinfo.ZoneInfo(default)
