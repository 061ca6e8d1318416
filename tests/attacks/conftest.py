from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.test import Client

from messages.access.api_keys import issue
from messages.models import ApiKey, Instance, UserLimit
from tests.access.conftest import _forgotten_attempts, _nobody_to_call, ana, new_person
from tests.attacks.tables import fill_every_table
from tests.dashboard.conftest import HttpsClient, _quick_passwords, admin_client, client

__all__ = [
    "_forgotten_attempts",
    "_nobody_to_call",
    "_quick_passwords",
    "admin_client",
    "ana",
    "client",
    "new_person",
]

Fill = Callable[[str], dict[str, Model]]


@pytest.fixture
def fill(admin_user: User) -> Fill:
    return lambda text: fill_every_table(text, admin_user)


@pytest.fixture(params=["person", "key"])
def limited_client(request: pytest.FixtureRequest, instance: Instance) -> Client:
    """Somebody, or software with a key, who may do what an Admin may, with this one instance."""
    if request.param == "key":
        key = ApiKey(name="limited", role="admin", may_label=True)
        text = issue(key, instances=[instance], by=None)
        return HttpsClient(headers={"authorization": f"Bearer {text}"})
    client = HttpsClient()
    client.force_login(request.getfixturevalue("limited_user"))
    return client


@pytest.fixture
def limited_user(instance: Instance) -> User:
    user = User.objects.create_user("limited")
    user.groups.add(Group.objects.get(name="Admin"))
    UserLimit.objects.create(user=user, instance=instance)
    return user
