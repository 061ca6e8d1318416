"""Middleware that ends old sessions and requires a second factor."""

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
# Save the last activity at most once in this many seconds, not for every page.
_EXACTNESS: Final = 60

# Pages that need no second factor even if it is required: setting one up, and signing out.
_WAY_TO_A_FACTOR = ("mfa_", "account_logout", "account_reauthenticate")
_FRAME = {"dashboard:set_language", "dashboard:preferences"}

GetResponse = Callable[[HttpRequest], HttpResponse]


class SessionLimitMiddleware:
    """Ends a session after SESSION_IDLE_MINUTES without activity, or SESSION_MAX_HOURS.

    Without the second limit, a stolen session would stay valid as long as somebody uses it.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            self._check(request)
        return self.get_response(request)

    def _check(self, request: HttpRequest) -> None:
        now = time.time()
        idle = now - request.session.get(SEEN_AT, 0)
        # A session without a valid start, e.g. from a wrong clock, starts now.
        if request.session.get(SIGNED_IN_AT, math.inf) > now:
            request.session[SIGNED_IN_AT] = now
        if now - request.session[SIGNED_IN_AT] > settings.SESSION_MAX_HOURS * 3600 > 0:
            logout(request)
            flash.info(request, _("Your session expired. Sign in again."))
        elif SEEN_AT in request.session and idle > settings.SESSION_IDLE_MINUTES * 60 > 0:
            logout(request)
            flash.info(request, _("You were signed out after a period of inactivity."))
        elif idle > _EXACTNESS and _is_by_a_person(request):
            request.session[SEEN_AT] = now
            mine = UserSession.objects.filter(session_key=request.session.session_key)
            mine.update(last_seen_at=timezone.now())


def _is_by_a_person(request: HttpRequest) -> bool:
    """Whether a person made the request. Automatic updates of a page do not extend a session."""
    return request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"


class TwoFactorRequiredMiddleware:
    """Redirects people without a second factor to set one up, if TWO_FACTOR_REQUIRED is on."""

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
    """Makes htmx load the whole page when a partial update is redirected, e.g. to sign in."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if isinstance(response, HttpResponseRedirect) and "HX-Request" in request.headers:
            return HttpResponseClientRefresh()
        return response
