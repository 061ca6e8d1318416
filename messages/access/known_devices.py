"""Browsers in which somebody has signed in before, known by a signed cookie ("device cookie").

The cookie signs nobody in. It only says which counter failed attempts are counted by, so that
strangers who guess somebody's password do not keep its owner out. It is given after a complete
sign-in and with a new password, and a new password ends those of all other browsers: who knew the
old one has no counters of their own for guessing the new one.
"""

import secrets
from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import User
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac

_SALT: Final = "messages.access.known_devices"
_MAX_AGE: Final = 365 * 24 * 3600
# People who share a browser. Cookies may have 4 kB.
_MAX_PEOPLE: Final = 20
_MARK: Final = "_known_to"


def device_of(request: HttpRequest, user: User) -> str | None:
    """The identifier of the browser where it is known to `user`, else None."""
    cookie = _read(request)
    proof = cookie["people"].get(str(user.pk), "")
    return cookie["device"] if constant_time_compare(proof, _proof(user)) else None


def remember_device(request: HttpRequest, user: User) -> None:
    """Makes the browser known to `user` with the answer to this request."""
    setattr(request, _MARK, user)


class KnownDeviceMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        user: User | None = getattr(request, _MARK, None)
        if user:
            _write(request, response, user)
        return response


def _write(request: HttpRequest, response: HttpResponse, user: User) -> None:
    cookie = _read(request)
    others = {pk: proof for pk, proof in cookie["people"].items() if pk != str(user.pk)}
    newest = list(others.items())[-(_MAX_PEOPLE - 1) :]
    people = dict(newest) | {str(user.pk): _proof(user)}
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


def _proof(user: User) -> str:
    return salted_hmac(_SALT, user.password).hexdigest()[:20]
