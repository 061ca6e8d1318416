"""Users, and helpers that sign in through the sign-in page."""

from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from allauth.mfa.totp.internal.auth import yield_hotp_counters_from_time as counters
from django.contrib.auth.models import Group, Permission, User
from django.core.cache import cache
from django.test import Client

from tests.plugins.pages import HttpsClient

PASSWORD = "a-long-password"
TOTP_SECRET = "JBSWY3DPEHPK3PXP"

NewPerson = Callable[..., User]


@pytest.fixture
def forgotten_attempts(db: None) -> None:
    """Reset the sign-in limits, because all tests use the same IP."""
    cache.clear()


@pytest.fixture
def new_person(forgotten_attempts: None) -> NewPerson:
    def create(name: str, role: str = "Support", **fields: Any) -> User:
        user = User.objects.create_user(name, f"{name}@example.com", PASSWORD, **fields)
        user.groups.add(Group.objects.get(name=role))
        return user

    return create


@pytest.fixture
def ana(new_person: NewPerson) -> User:
    return new_person("ana")


@pytest.fixture
def boss(new_person: NewPerson) -> User:
    return new_person("boss", "Admin")


@pytest.fixture
def boss_client(boss: User) -> Client:
    client = HttpsClient()
    client.force_login(boss)
    return client


def sign_in(client: Client, name: str = "ana", password: str = PASSWORD, **extra: Any) -> Any:
    return client.post("/account/login/", {"login": name, "password": password} | extra)


def is_signed_in(client: Client) -> bool:
    return client.get("/").status_code == 200


def enrol(user: User) -> None:
    TOTP.activate(user, TOTP_SECRET)


def code(secret: str = TOTP_SECRET) -> str:
    """The current code of the authenticator app."""
    return str(format_hotp_value(hotp_value(secret, list(counters())[1])))


@pytest.fixture
def masked_admin(db: None) -> HttpsClient:
    """A staff user with all permissions except seeing phone numbers."""
    user = User.objects.create_user("masked", "masked@example.com", "a-long-password")
    user.is_staff = True
    user.save()
    user.user_permissions.set(Permission.objects.exclude(codename="see_phones"))
    client = HttpsClient()
    client.force_login(user)
    return client
