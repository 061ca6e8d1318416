"""Second factors of people."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.db.models import QuerySet

# Recovery codes replace one of these, but are not a factor on their own.
_FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def factors() -> QuerySet[Any]:
    found: QuerySet[Any] = Authenticator.objects.filter(type__in=_FACTORS)
    return found


def factors_of(user: User) -> QuerySet[Any]:
    return factors().filter(user=user)
