from collections.abc import Callable
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.test import Client

from messages.accounts.api_keys import issue
from messages.models import ApiKey, ApiKeyLimit, Instance, UserLimit
from tests.accounts.routes import OWN_ROUTES
from tests.attacks.pages import ask
from tests.attacks.tables import PK, fill_every_table
from tests.plugins.accounts import PASSWORD, sign_in
from tests.plugins.pages import HttpsClient, Report

Fill = Callable[[str], dict[str, Model]]


@pytest.fixture
def fill(admin_user: User) -> Fill:
    return lambda text: fill_every_table(text, admin_user)


@pytest.fixture
def root(
    forgotten_attempts: None, admin_user: User, fill: Fill, report: Report, settings: Any
) -> Client:
    """A signed-in superuser. Every table has a row.

    Every URL with a primary key finds a row, because tests open all URLs.
    """
    # No reauthentication during a long test.
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 24 * 3600
    fill("5544999887701")
    report("SENT", "READ")
    report("SENT", "RECEIVED", id="3EB0A2", phone="120363-group", participant="998877665544332@lid")
    person = User.objects.create_user("somebody", "somebody@example.org", PASSWORD, id=PK)
    person.groups.add(Group.objects.get(name="Support"))
    client = HttpsClient()
    sign_in(client, admin_user.username, "password")
    UserSession.objects.filter(user=admin_user).update(id=PK)
    return client


@pytest.fixture(params=["person", "key", "person since", "key since"])
def limited_client(request: pytest.FixtureRequest, instance: Instance) -> Client:
    """A user or an API key with the Admin role, limited to one instance.

    "since" means: the client opened every page before it was limited.
    """
    make = limited_person if request.param.startswith("person") else limited_key
    if "since" not in request.param:
        return make(instance, lambda _: None)

    def look_around(client: Client) -> None:
        for route in OWN_ROUTES:
            ask(client, route)

    return make(instance, look_around)


def limited_person(instance: Instance, before: Callable[[Client], None]) -> Client:
    user = User.objects.create_user("limited")
    user.groups.add(Group.objects.get(name="Admin"))
    client = HttpsClient()
    client.force_login(user)
    before(client)
    UserLimit.objects.create(user=user, instance=instance)
    return client


def limited_key(instance: Instance, before: Callable[[Client], None]) -> Client:
    key = ApiKey(name="limited", role="admin", may_label=True)
    client = HttpsClient(headers={"authorization": f"Bearer {issue(key, by=None)}"})
    before(client)
    ApiKeyLimit.objects.create(key=key, instance=instance)
    return client


@pytest.fixture
def limited_user(instance: Instance) -> User:
    user = User.objects.create_user("limited")
    user.groups.add(Group.objects.get(name="Admin"))
    UserLimit.objects.create(user=user, instance=instance)
    return user
