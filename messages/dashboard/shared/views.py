"""Helpers for views: confirmation pages, permissions, and the viewer's preferences."""

import zoneinfo
from collections.abc import Callable
from functools import cache, wraps
from typing import Any, Final

from django.conf import settings
from django.contrib import messages as flash
from django.contrib.auth.decorators import login_not_required, permission_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.views.decorators.http import require_POST

from messages.accounts.scope import is_limited
from statusboard.absolute_urls import is_path_of_site

_NOT_ASKED_AGAIN = {"csrfmiddlewaretoken", "confirmed"}


def is_confirmed(request: HttpRequest) -> bool:
    return "confirmed" in request.POST


def ask(
    request: HttpRequest, *, title: str, words: str, back_url: str, **buttons: str
) -> HttpResponse:
    """A page that asks for confirmation and repeats the form that was sent.

    `button` is the label of the button that confirms. `first` is the label of an optional second
    button for a recommended alternative. That button sends `confirmed=first`.
    """
    sent = [
        (name, value)
        for name, values in request.POST.lists()
        if name not in _NOT_ASKED_AGAIN
        for value in values
    ]
    context = {"title": title, "words": words, "back_url": back_url, "sent": sent} | buttons
    return render(request, "dashboard/confirm.html", context)


def success_with_undo(request: HttpRequest, words: str, undo_url: str) -> None:
    """A message with a button that sends a POST request to `undo_url`."""
    # Django keeps only texts with a message. The template reads this one as the URL.
    flash.success(request, words, extra_tags=undo_url)


View = Callable[..., HttpResponseBase]


def unlimited_only(permission: str) -> Callable[[View], View]:
    """For pages about all accounts: not for people who are limited to some of them."""

    def decorate(view: View) -> View:
        @wraps(view)
        @permission_required(permission, raise_exception=True)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if is_limited(request.user):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return checked

    return decorate


THEME_COOKIE: Final = "statusboard_theme"
ZONE_COOKIE: Final = "statusboard_time_zone"
# Set by static/js/board.js.
BROWSER_ZONE_COOKIE: Final = "statusboard_browser_time_zone"
THEMES: Final = ("auto", "light", "dark")
_YEAR: Final = 365 * 24 * 3600


def theme_of(request: HttpRequest) -> str:
    theme = request.COOKIES.get(THEME_COOKIE)
    return theme if theme in THEMES else "auto"


def zone_of(request: HttpRequest) -> zoneinfo.ZoneInfo:
    """The zone that the viewer chose, else their browser's, else the default."""
    names = (request.COOKIES.get(name, "") for name in (ZONE_COOKIE, BROWSER_ZONE_COOKIE))
    chosen = next(filter(None, map(_zone, names)), None)
    return chosen or zoneinfo.ZoneInfo(settings.DEFAULT_TIME_ZONE)


@login_not_required
@require_POST
def save_preferences(request: HttpRequest) -> HttpResponse:
    """Store the valid preferences in cookies. An empty time zone means the browser's."""
    response = HttpResponseRedirect(_back_url(request))
    theme, zone = request.POST.get("theme"), request.POST.get("time_zone")
    if theme in THEMES:
        _remember(response, THEME_COOKIE, str(theme))
    if zone is not None and (zone == "" or _zone(zone)):
        _remember(response, ZONE_COOKIE, zone)
    return response


def _zone(name: str) -> zoneinfo.ZoneInfo | None:
    try:
        return zoneinfo.ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):  # an unknown or invalid name
        return None


def _back_url(request: HttpRequest) -> str:
    """The page with the form, if it is one of ours."""
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


@cache
def path_of(page: str) -> str:
    """The path of a page without arguments. Cached, because lists link to it many times."""
    return reverse(f"dashboard:{page}")
