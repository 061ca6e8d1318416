"""How a viewer likes to see the board: theme and time zone, kept in cookies, set by POST."""

import zoneinfo
from typing import Final

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.views.decorators.http import require_POST

from statusboard.absolute_urls import is_path_of_site

THEME_COOKIE: Final = "statusboard_theme"
ZONE_COOKIE: Final = "statusboard_time_zone"
# Written by static/js/board.js.
BROWSER_ZONE_COOKIE: Final = "statusboard_browser_time_zone"
THEMES: Final = ("auto", "light", "dark")
_YEAR: Final = 365 * 24 * 3600


def theme_of(request: HttpRequest) -> str:
    theme = request.COOKIES.get(THEME_COOKIE)
    return theme if theme in THEMES else "auto"


def zone_of(request: HttpRequest) -> zoneinfo.ZoneInfo:
    """The zone that the viewer chose, else their browser's, else the default one."""
    names = (request.COOKIES.get(name, "") for name in (ZONE_COOKIE, BROWSER_ZONE_COOKIE))
    chosen = next(filter(None, map(_zone, names)), None)
    return chosen or zoneinfo.ZoneInfo(settings.DEFAULT_TIME_ZONE)


@login_not_required
@require_POST
def save_preferences(request: HttpRequest) -> HttpResponse:
    """Keep what was sent and is valid; an empty time zone means the browser's."""
    response = HttpResponseRedirect(_way_back(request))
    theme, zone = request.POST.get("theme"), request.POST.get("time_zone")
    if theme in THEMES:
        _remember(response, THEME_COOKIE, str(theme))
    if zone is not None and (zone == "" or _zone(zone)):
        _remember(response, ZONE_COOKIE, zone)
    return response


def _zone(name: str) -> zoneinfo.ZoneInfo | None:
    try:
        return zoneinfo.ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):  # an unknown name, or one that is no name at all
        return None


def _way_back(request: HttpRequest) -> str:
    """Where the form stood, as long as that is one of our own pages."""
    url = request.POST.get("next", "")
    return url if is_path_of_site(url) else resolve_url("dashboard:messages")


def _remember(response: HttpResponse, name: str, value: str) -> None:
    response.set_cookie(
        name,
        value,
        max_age=_YEAR,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
