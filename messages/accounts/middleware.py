"""Two doors behind the sign-in, and what a page is told that finds one closed.

One closes by itself, one asks for a second factor.
"""

import math
import time
from collections.abc import Callable
from typing import Any, Final

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages as flash
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRefresh

from .second_factors import factors_of

SIGNED_IN_AT: Final = "signed_in_at"
SEEN_AT: Final = "seen_at"
# How exactly it is known when somebody was here: a write for each page would be too much.
_EXACTNESS: Final = 60

# What opens without a second factor where one is compulsory: setting one up, and going away.
_WAY_TO_A_FACTOR = ("mfa_", "account_logout", "account_reauthenticate")
_FRAME = {"dashboard:set_language", "dashboard:preferences"}

GetResponse = Callable[[HttpRequest], HttpResponse]


class SessionLimitMiddleware:
    """Ends a session SESSION_IDLE_MINUTES after its last page and SESSION_MAX_HOURS after sign-in.

    Without the second limit, a stolen session that is used stays valid for ever.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            self._look_at(request)
        return self.get_response(request)

    def _look_at(self, request: HttpRequest) -> None:
        now = time.time()
        idle = now - request.session.get(SEEN_AT, 0)
        # A session from before this limit begins now; so does one that a clock put in the future.
        if request.session.get(SIGNED_IN_AT, math.inf) > now:
            request.session[SIGNED_IN_AT] = now
        if now - request.session[SIGNED_IN_AT] > settings.SESSION_MAX_HOURS * 3600 > 0:
            logout(request)
            flash.info(request, _("Your session expired. Sign in again."))
        elif SEEN_AT in request.session and idle > settings.SESSION_IDLE_MINUTES * 60 > 0:
            logout(request)
            flash.info(request, _("You were signed out after a period of inactivity."))
        elif idle > _EXACTNESS and _is_a_persons(request):
            request.session[SEEN_AT] = now
            mine = UserSession.objects.filter(session_key=request.session.session_key)
            mine.update(last_seen_at=timezone.now())


def _is_a_persons(request: HttpRequest) -> bool:
    """A page opened or a form sent. A page that looks for news by itself keeps nobody signed in."""
    return request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"


class TwoFactorRequiredMiddleware:
    """Where TWO_FACTOR_REQUIRED is on, who has no second factor is led to set one up."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: Any) -> HttpResponse | None:
        if not settings.TWO_FACTOR_REQUIRED or not request.user.is_authenticated:
            return None
        match = request.resolver_match
        name = match.view_name if match else ""
        if name.startswith(_WAY_TO_A_FACTOR) or name in _FRAME:
            return None
        if factors_of(request.user).exists():
            return None
        return redirect(f"{reverse('mfa_index')}?needed=1")


class WholePageMiddleware:
    """Where a part of a page asks for news and is sent elsewhere, the page is to go, not the part.

    Loaded again, it is the sign-in that leads back to where somebody was.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if isinstance(response, HttpResponseRedirect) and "HX-Request" in request.headers:
            return HttpResponseClientRefresh()
        return response
