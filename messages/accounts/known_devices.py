"""Recognise browsers where a person has signed in before, by a signed cookie ("device cookie").

The cookie does not sign anybody in. It only selects the counter of failed attempts, so that
strangers who guess a password do not lock its owner out. It is set after a complete sign-in and
with a new password. A new password invalidates the cookies of all other browsers.

A link from an e-mail does not prove a second factor. If a browser is known only because its user
opened such a link, it uses the account's counter for codes. Otherwise each new link would allow
more attempts.
"""

import secrets
from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import User
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac

_SALT: Final = "messages.accounts.known_devices"
_MAX_AGE: Final = 365 * 24 * 3600
# The maximum number of people per browser. Cookies are limited to 4 KB.
_MAX_PEOPLE: Final = 20
_MARK: Final = "_known_to"


def device_of(request: HttpRequest, user: User, *, signed_in: bool = False) -> str | None:
    """Return the id of the browser if it is known for `user`, else None.

    `signed_in`: only if it is known by a complete sign-in.
    """
    cookie = _read(request)
    proof = cookie["people"].get(str(user.pk), "")
    proofs = [_proof(user, signed_in=True)] + ([] if signed_in else [_proof(user, signed_in=False)])
    return cookie["device"] if any(constant_time_compare(proof, one) for one in proofs) else None


def remember_device(request: HttpRequest, user: User, *, signed_in: bool) -> None:
    """Set the cookie for `user` in the response to this request.

    `signed_in`: after a complete sign-in, not only a link.
    """
    setattr(request, _MARK, (user, _proof(user, signed_in=signed_in)))


class KnownDeviceMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if mark := getattr(request, _MARK, None):
            _write(request, response, *mark)
        return response


def _write(request: HttpRequest, response: HttpResponse, user: User, proof: str) -> None:
    cookie = _read(request)
    others = {pk: one for pk, one in cookie["people"].items() if pk != str(user.pk)}
    newest = list(others.items())[-(_MAX_PEOPLE - 1) :]
    people = dict(newest) | {str(user.pk): proof}
    response.set_cookie(
        settings.KNOWN_DEVICE_COOKIE_NAME,
        signing.dumps({"device": cookie["device"], "people": people}, salt=_SALT, compress=True),
        max_age=_MAX_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _read(request: HttpRequest) -> dict[str, Any]:
    text = request.COOKIES.get(settings.KNOWN_DEVICE_COOKIE_NAME, "")
    try:
        cookie: dict[str, Any] = signing.loads(text, salt=_SALT, max_age=_MAX_AGE)
    except signing.BadSignature:
        return {"device": secrets.token_urlsafe(12), "people": {}}
    return cookie


def _proof(user: User, *, signed_in: bool) -> str:
    return salted_hmac(_SALT, f"{signed_in} {user.password}").hexdigest()[:20]
