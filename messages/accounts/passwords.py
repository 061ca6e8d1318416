"""The places where a password or a code is checked. Each attempt is limited and audited."""

import unicodedata
from collections.abc import Collection
from typing import Any, Final

from allauth.account.internal.userkit import filter_users_by_email, get_user_by_username
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa import app_settings as mfa_settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from messages.accounts.audit import audit
from messages.models import Action
from statusboard.client_ips import client_network

from .known_devices import device_of
from .sign_in_limits import Attempt, begin, counter, note_failure

# No user name and no e-mail address is longer.
_MAX_LOGIN: Final = 254
_USED: Final = "messages.accounts.passwords.used"


def user_by_password(request: HttpRequest, login: str, password: str) -> User | None:
    """The user with this user name or e-mail address and this password.

    An unknown name costs as much time as a known one, and is refused as often.
    """
    users = _users_called(login)
    attempt = _begin_sign_in(request, login, users)
    user = _user_with(password, users)
    if user and not attempt.is_muted:
        attempt.succeeded()
        return user
    audit_failure(request, users[0] if users else None)
    return None


def is_own_password(request: HttpRequest, user: User, password: str) -> bool:
    """Whether somebody who is signed in knows the account's password."""
    attempt = begin_in_session(request)
    if user.check_password(password):
        attempt.succeeded()
        return True
    audit_failure(request, user, step="password asked again")
    return False


def begin_in_session(request: HttpRequest) -> Attempt:
    """Counted for the session alone: it may be stolen, and its owner has others."""
    return begin(request, [counter("session", request.session.session_key)])


def begin_code(request: HttpRequest, user: User) -> Attempt:
    """An attempt at a second factor's code: of a session, or of a sign-in after the password."""
    if request.user.is_authenticated:
        return begin_in_session(request)
    device = device_of(request, user, signed_in=True)
    one = counter("code and device", user.pk, device) if device else counter("code", user.pk)
    return begin(request, [one])


def is_first_use(user: User, code: str) -> bool:
    """Whether this code was not accepted before; remembered for as long as one is valid.

    allauth remembers a code for one period, but accepts it for three: clocks differ.
    """
    periods = 2 * mfa_settings.TOTP_TOLERANCE + 1
    digest = salted_hmac(_USED, normalize_user_code(code)).hexdigest()
    seconds = periods * mfa_settings.TOTP_PERIOD
    return cache.add(f"used-code:{user.pk}:{digest}", True, timeout=seconds)


def audit_failure(request: HttpRequest, user: User | None, **details: Any) -> None:
    """Never with what was typed: people type passwords into the field of the name.

    A flood of failures is added up, because the audit log is never emptied.
    """
    name = user.get_username() if user else ""
    # Each step for itself: a flood of passwords must not hide a wrong code.
    left_out = note_failure(name, *details.values())
    if left_out is None:
        return
    if left_out:
        details["left out before"] = left_out
    audit(request, Action.SIGN_IN_FAILED, details={"user": name} | details)


def _begin_sign_in(request: HttpRequest, login: str, users: Collection[User]) -> Attempt:
    for user in users:
        if device := device_of(request, user):
            return begin(request, [counter("device", user.pk, device)])
    # Normalizing takes the square of a text's length, and no account has a longer name.
    name = unicodedata.normalize("NFKC", login[:_MAX_LOGIN]).strip().casefold()
    client = client_network(request.META)
    counters = [
        counter("name", name),
        counter("name and client", name, client),
        counter("client", client),
    ]
    # An account has more than one name. Unknown names get an account, too: it costs the same time.
    accounts = [str(user.pk) for user in users] or [f"none {name}"]
    silent = [
        *(counter("account", account) for account in accounts),
        *(counter("account and client", account, client) for account in accounts),
    ]
    return begin(request, counters, silent)


def _users_called(login: str) -> list[User]:
    """Nearly always one: e-mail addresses that several people share are possible."""
    login = login.strip()
    if not login or len(login) > _MAX_LOGIN:
        return []
    found = [get_user_by_username(login)]
    if "@" in login:
        found += filter_users_by_email(login, prefer_verified=True, for_login=True)
    return list({user.pk: user for user in found if user}.values())


def _user_with(password: str, users: Collection[User]) -> User | None:
    """The user with this password, also one whose account is off: the page then says so."""
    if not users:
        User().set_password(password)  # as slow as a check
    return next((user for user in users if user.check_password(password)), None)
