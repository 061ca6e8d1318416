"""The allauth routes that Statusboard uses, one by one.

allauth's own URL lists would also add pages that we do not want, and the new pages of later
versions. For example, one page adds an e-mail address, which could then reset the password.
"""

from collections.abc import Callable
from http import HTTPStatus

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from allauth.usersessions import views as sessions
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, re_path

from messages.accounts.audit import audit
from messages.models import Action

from .people import end_other_sessions

View = Callable[[HttpRequest], HttpResponse]


def _change_password(request: HttpRequest) -> HttpResponse:
    """If the account has no password, require the link from the e-mail.

    A session alone must not be able to set a password, because it may be stolen.
    """
    if request.user.is_authenticated and not request.user.has_usable_password():
        return redirect("account_reset_password")
    answer: HttpResponse = account.password_change(request)
    return answer


def _codes_shown(view: View) -> View:
    """Audit each view of the codes: anyone who saw them can use them later."""

    def show(request: HttpRequest) -> HttpResponse:
        answer = view(request)
        if answer.status_code == HTTPStatus.OK:
            audit(request, Action.TWO_FACTOR_CHANGED, details={"shown": "recovery_codes"})
        return answer

    return show


def _sessions(request: HttpRequest) -> HttpResponse:
    """List the sessions. A POST ends all other sessions of the user and is audited."""
    if request.method == "POST" and isinstance(request.user, User):
        end_other_sessions(request, request.user)
    answer: HttpResponse = sessions.list_usersessions(request)
    return answer


urlpatterns = [
    path("login/", account.login, name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("password/change/", _change_password, name="account_change_password"),
    path("password/reset/", account.password_reset, name="account_reset_password"),
    path("password/reset/done/", account.password_reset_done, name="account_reset_password_done"),
    path(
        "password/reset/key/done/",
        account.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("two-factor/", mfa.index, name="mfa_index"),
    path("two-factor/authenticate/", mfa.authenticate, name="mfa_authenticate"),
    path("two-factor/reauthenticate/", mfa.reauthenticate, name="mfa_reauthenticate"),
    path("two-factor/totp/activate/", totp.activate_totp, name="mfa_activate_totp"),
    path("two-factor/totp/deactivate/", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path(
        "two-factor/recovery-codes/",
        _codes_shown(codes.view_recovery_codes),
        name="mfa_view_recovery_codes",
    ),
    path(
        "two-factor/recovery-codes/generate/",
        codes.generate_recovery_codes,
        name="mfa_generate_recovery_codes",
    ),
    path(
        "two-factor/recovery-codes/download/",
        _codes_shown(codes.download_recovery_codes),
        name="mfa_download_recovery_codes",
    ),
    path("two-factor/webauthn/", webauthn.list_webauthn, name="mfa_list_webauthn"),
    path("two-factor/webauthn/add/", webauthn.add_webauthn, name="mfa_add_webauthn"),
    path("two-factor/webauthn/login/", webauthn.login_webauthn, name="mfa_login_webauthn"),
    path(
        "two-factor/webauthn/reauthenticate/",
        webauthn.reauthenticate_webauthn,
        name="mfa_reauthenticate_webauthn",
    ),
    path(
        "two-factor/webauthn/keys/<int:pk>/remove/",
        webauthn.remove_webauthn,
        name="mfa_remove_webauthn",
    ),
    path(
        "two-factor/webauthn/keys/<int:pk>/edit/",
        webauthn.edit_webauthn,
        name="mfa_edit_webauthn",
    ),
    path("sessions/", _sessions, name="usersessions_list"),
]
