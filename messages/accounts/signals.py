"""Audit sign-ins and changes of passwords and factors, by signals of Django and allauth."""

import time
from typing import Any

from allauth.account import signals as account
from allauth.mfa import signals as mfa
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth import signals as auth
from django.contrib.auth.models import User
from django.dispatch import Signal
from django.http import HttpRequest
from django.utils import translation
from django.utils.functional import Promise

from messages.accounts.audit import audit
from messages.models import Action

from . import account_notices
from .browser_names import browser_name
from .known_devices import remember_device
from .middleware import SEEN_AT, SIGNED_IN_AT
from .passwords import audit_failure
from .recent_sign_in import remember_authentication


def connect() -> None:
    """Connect the signals when the app is ready."""
    auth.user_logged_in.connect(_start_session, dispatch_uid="idle time-out")
    auth.user_logged_out.connect(_signed_out, dispatch_uid="audit sign-out")
    account.authentication_step_completed.connect(_reauthenticated, dispatch_uid="proved again")
    # allauth's signal, which knows the method of the sign-in.
    account.user_logged_in.connect(_signed_in, dispatch_uid="audit sign-in")
    account.user_logged_in.connect(_remember_device, dispatch_uid="known device")
    for signal in (account.password_changed, account.password_reset, account.password_set):
        signal.connect(_password_changed, dispatch_uid="audit password")
    mfa.authentication_failed.connect(_factor_failed, dispatch_uid="audit second factor")
    for signal, change in _CHANGES.items():
        signal.connect(_factor_changed(change), weak=False, dispatch_uid="audit two-factor")


def _start_session(request: HttpRequest, **_: Any) -> None:
    """Start the session's limits. Django sends this signal after the second factor."""
    request.session[SIGNED_IN_AT] = request.session[SEEN_AT] = time.time()
    remember_authentication(request)


def _reauthenticated(request: HttpRequest, *, reauthenticated: bool = False, **_: Any) -> None:
    if not reauthenticated:
        return
    old_key = request.session.session_key
    # A stolen copy of the session cookie must not count as confirmed.
    request.session.cycle_key()
    sessions = UserSession.objects.filter(session_key=old_key)
    sessions.update(session_key=request.session.session_key)
    remember_authentication(request)


def _signed_in(request: HttpRequest, **_: Any) -> None:
    records = request.session.get("account_authentication_methods", [])
    methods = [record.get("type") or record["method"] for record in records]
    with translation.override("en"):  # the audit log is in English
        browser = browser_name(request.headers.get("User-Agent", ""))
    audit(request, Action.SIGNED_IN, details={"by": methods, "browser": browser})


def _signed_out(request: HttpRequest, user: User | None, **_: Any) -> None:
    if user:
        audit(request, Action.SIGNED_OUT)


def _remember_device(request: HttpRequest, user: User, **_: Any) -> None:
    remember_device(request, user, signed_in=True)


def _password_changed(request: HttpRequest, user: User, **_: Any) -> None:
    remember_device(request, user, signed_in=request.user.is_authenticated)
    audit(request, Action.USER_CHANGED, details={"user": user.get_username(), "password": "new"})
    account_notices.notify(user, account_notices.PASSWORD_CHANGED, request)


def _factor_failed(request: HttpRequest, user: User, **_: Any) -> None:
    audit_failure(request, user, step="two-factor")


_CHANGES: dict[Signal, str] = {
    mfa.authenticator_added: "added",
    mfa.authenticator_removed: "removed",
    mfa.authenticator_reset: "renewed",
}


def _factor_changed(change: str) -> Any:
    def write_audit_event(request: HttpRequest, authenticator: Authenticator, **_: Any) -> None:
        audit(request, Action.TWO_FACTOR_CHANGED, details={change: authenticator.type})
        account_notices.notify(authenticator.user, _words_of(authenticator, change), request)

    return write_audit_event


def _words_of(authenticator: Authenticator, change: str) -> Promise:
    is_removed = change == "removed"
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        return account_notices.CODES_REMOVED if is_removed else account_notices.CODES_CREATED
    return account_notices.FACTOR_REMOVED if is_removed else account_notices.FACTOR_ADDED
