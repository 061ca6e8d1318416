"""Browsers in which somebody has signed in before, known by a signed cookie ("device cookie").

The cookie signs nobody in. It only says which counter failed attempts are counted by, so that
strangers who guess somebody's password do not keep its owner out. It is given after a complete
sign-in and with a new password, and a new password ends those of all other browsers: who knew the
old one has no counters of their own for guessing the new one.

A link from an e-mail proves no second factor. A browser that is known by it alone shares the
account's counter of codes, or whoever reads the e-mails could ask for links to get more attempts.
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
# People who share a browser. Cookies may have 4 kB.
_MAX_PEOPLE: Final = 20
_MARK: Final = "_known_to"


def device_of(request: HttpRequest, user: User, *, signed_in: bool = False) -> str | None:
    """The identifier of the browser where it is known to `user`, else None.

    `signed_in`: only where it is known by a complete sign-in.
    """
    cookie = _read(request)
    proof = cookie["people"].get(str(user.pk), "")
    proofs = [_proof(user, signed_in=True)] + ([] if signed_in else [_proof(user, signed_in=False)])
    return cookie["device"] if any(constant_time_compare(proof, one) for one in proofs) else None


def remember_device(request: HttpRequest, user: User, *, signed_in: bool) -> None:
    """Makes the browser known to `user` with the answer to this request.

    `signed_in`: by a complete sign-in, and not by a link alone.
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
