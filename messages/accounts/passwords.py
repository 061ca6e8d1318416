"""Check passwords and codes. Each attempt is limited and audited."""

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

# User names and e-mail addresses are not longer.
_MAX_LOGIN: Final = 254
_USED: Final = "messages.accounts.passwords.used"


def user_by_password(request: HttpRequest, login: str, password: str) -> User | None:
    """Return the user with this name or e-mail address and this password.

    An unknown name takes as long as a known one, and has the same limits.
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
    """Whether this is the password of the signed-in user."""
    attempt = begin_in_session(request)
    if user.check_password(password):
        attempt.succeeded()
        return True
    audit_failure(request, user, step="password asked again")
    return False


def begin_in_session(request: HttpRequest) -> Attempt:
    """Count the attempt for this session only.

    Somebody with a stolen session must not use up the account's attempts.
    """
    return begin(request, [counter("session", request.session.session_key)])


def begin_code(request: HttpRequest, user: User) -> Attempt:
    """Count an attempt at a code, in a session or during a sign-in."""
    if request.user.is_authenticated:
        return begin_in_session(request)
    device = device_of(request, user, signed_in=True)
    one = counter("code and device", user.pk, device) if device else counter("code", user.pk)
    return begin(request, [one])


def is_first_use(user: User, code: str) -> bool:
    """Whether this code was not used before. Codes are remembered while they are valid.

    allauth remembers a code for one period but accepts it for three, as clocks differ.
    """
    periods = 2 * mfa_settings.TOTP_TOLERANCE + 1
    digest = salted_hmac(_USED, normalize_user_code(code)).hexdigest()
    seconds = periods * mfa_settings.TOTP_PERIOD
    return cache.add(f"used-code:{user.pk}:{digest}", True, timeout=seconds)


def audit_failure(request: HttpRequest, user: User | None, **details: Any) -> None:
    """Audit a failed attempt without the typed name, which may be a password.

    If there are many failures, most are only counted, because events are never deleted from the
    audit log.
    """
    name = user.get_username() if user else ""
    # Count each step separately: many wrong passwords must not hide a wrong code.
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
    # Normalizing is quadratic in the length, and no account has a longer name.
    name = unicodedata.normalize("NFKC", login[:_MAX_LOGIN]).strip().casefold()
    client = client_network(request.META)
    counters = [
        counter("name", name),
        counter("name and client", name, client),
        counter("client", client),
    ]
    # An account has several names. An unknown name gets the counters of an account too, so that it
    # takes the same time.
    accounts = [str(user.pk) for user in users] or [f"none {name}"]
    silent = [
        *(counter("account", account) for account in accounts),
        *(counter("account and client", account, client) for account in accounts),
    ]
    return begin(request, counters, silent)


def _users_called(login: str) -> list[User]:
    """Return the users with this name. Several users can share an e-mail address."""
    login = login.strip()
    if not login or len(login) > _MAX_LOGIN:
        return []
    found = [get_user_by_username(login)]
    if "@" in login:
        found += filter_users_by_email(login, prefer_verified=True, for_login=True)
    return list({user.pk: user for user in found if user}.values())


def _user_with(password: str, users: Collection[User]) -> User | None:
    """Return the user with this password, also if deactivated: the page says so."""
    if not users:
        User().set_password(password)  # takes as long as a check
    return next((user for user in users if user.check_password(password)), None)
