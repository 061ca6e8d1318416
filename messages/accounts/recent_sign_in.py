"""Ask for the password again before an action that outlives the session.

A stolen session could otherwise create an API key, invite a person, or forward callbacks to another
server. Every route that accepts POST is in one of these tables, or in the table of exceptions in
tests/accounts/test_recent_sign_in.py.
"""

import re
import time
from collections.abc import Callable
from typing import Any, Final

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib import messages as flash
from django.contrib.auth import REDIRECT_FIELD_NAME, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

AUTHENTICATED_AT: Final = "authenticated_at"

# Pages with a form. They ask before they open, so that no input is lost.
FORMS: Final = frozenset(
    {
        "dashboard:api-key-add",
        "dashboard:channel",
        "dashboard:channel-add",
        "dashboard:instance-add",
        "dashboard:instance-every",
        "dashboard:instance-forwarding",
        "dashboard:instance-import",
        "dashboard:instance-thresholds",
        "dashboard:message-hold",
        "dashboard:person-invite",
        "dashboard:privacy",
        "dashboard:recipient-hold",
        "dashboard:retention",
        "mfa_activate_totp",
        "mfa_add_webauthn",
        "mfa_deactivate_totp",
        "mfa_download_recovery_codes",
        "mfa_edit_webauthn",
        "mfa_generate_recovery_codes",
        "mfa_remove_webauthn",
        "mfa_view_recovery_codes",
    }
)
# Actions of buttons, and the page of each button. After the sign-in the user returns to this page.
ACTIONS: Final = {
    "dashboard:api-key-revoke": "dashboard:api-keys",
    "dashboard:channel-remove": "dashboard:channels",
    "dashboard:channel-test": "dashboard:channels",
    "dashboard:hold-release": "dashboard:privacy",
    "dashboard:instance": "dashboard:instance",
    "dashboard:instance-archive": "dashboard:instance",
    "dashboard:instance-batch": "dashboard:instance-batch",
    "dashboard:instance-delete": "dashboard:instance",
    "dashboard:instance-forwarding-change": "dashboard:instance-forwarding",
    "dashboard:instance-forwarding-put-back": "dashboard:instance-forwarding",
    "dashboard:instance-restore-others": "dashboard:instance",
    "dashboard:instance-retire": "dashboard:instance",
    "dashboard:instance-rotate": "dashboard:instance",
    "dashboard:instance-token-policy": "dashboard:instance",
    "dashboard:instance-unarchive": "dashboard:instance",
    "dashboard:instance-webhook": "dashboard:instance",
    "dashboard:person": "dashboard:person",
    "dashboard:person-activity": "dashboard:person",
    "dashboard:person-link": "dashboard:person",
    "dashboard:person-two-factor-reset": "dashboard:person",
    "dashboard:privacy-erase": "dashboard:privacy",
    "dashboard:privacy-export": "dashboard:privacy",
    "dashboard:quarantine-discard": "dashboard:quarantine",
}
_OF_ONE: Final = re.compile(r"dashboard:(instance|person)\b")
_SAFE: Final = {"GET", "HEAD", "OPTIONS"}
# All pages of Django admin, also of later versions.
_ADMIN: Final = "admin:"
_ADMIN_FORM: Final = re.compile(r"admin:.+_(add|change|delete)")


def has_signed_in_recently(request: HttpRequest) -> bool:
    """Whether the last sign-in is recent. A time in the future does not count."""
    age = time.time() - request.session.get(AUTHENTICATED_AT, 0)
    return bool(0 <= age < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)


def remember_authentication(request: HttpRequest) -> None:
    request.session[AUTHENTICATED_AT] = time.time()


class RecentSignInMiddleware:
    """Redirects to a page that asks for the password or second factor, if necessary."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: Any) -> HttpResponse | None:
        if not request.user.is_authenticated or not _is_asked_about(request):
            return None
        return None if has_signed_in_recently(request) else _ask(request)


def _is_asked_about(request: HttpRequest) -> bool:
    name = _name(request)
    if name in FORMS or _ADMIN_FORM.fullmatch(name):
        return True
    return request.method not in _SAFE and (name in ACTIONS or name.startswith(_ADMIN))


def _ask(request: HttpRequest) -> HttpResponse:
    if request.method not in _SAFE:
        flash.warning(request, _("Nothing was changed. Confirm it’s you and try again."))
    page = _page_of(request)
    methods = get_adapter().get_reauthentication_methods(request.user)
    if not methods:
        logout(request)  # the user has no password or second factor, so a new sign-in is needed
    url = methods[0]["url"] if methods else reverse("account_login")
    url = f"{url}?{urlencode({REDIRECT_FIELD_NAME: page})}"
    return (
        HttpResponseClientRedirect(url)
        if "HX-Request" in request.headers
        else HttpResponseRedirect(url)
    )


def _page_of(request: HttpRequest) -> str:
    """Return the page of the form or button."""
    match = request.resolver_match
    page = ACTIONS.get(_name(request))
    if not match or not page:
        return request.get_full_path()
    return reverse(page, args=[match.kwargs["pk"]] if _OF_ONE.match(page) else [])


def _name(request: HttpRequest) -> str:
    return request.resolver_match.view_name if request.resolver_match else ""
