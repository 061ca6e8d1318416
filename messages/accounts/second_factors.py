"""Second factors: what a person proves beside the password, or instead of it."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.db.models import QuerySet

# Recovery codes stand in for one of these; alone they are none.
_FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def factors() -> QuerySet[Any]:
    found: QuerySet[Any] = Authenticator.objects.filter(type__in=_FACTORS)
    return found


def factors_of(user: User) -> QuerySet[Any]:
    return factors().filter(user=user)
