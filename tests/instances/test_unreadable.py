"""An instance with an undecryptable token does not affect others and can be repaired."""

import pytest
from django.urls import reverse

from messages.accounts.roles import ADMIN
from messages.domain.problems import Problem
from messages.instances.connect import update
from messages.instances.verify import verify_due
from messages.models import Instance, Secret, token_digest
from tests.dashboard.test_instances import HOOKS, Browser, act, signed_in


@pytest.fixture
def admin(db):
    return signed_in(ADMIN)


@pytest.fixture
def unreadable(instance: Instance) -> Instance:
    Instance.objects.update(token=Secret("sealed with a key that is gone"))
    return Instance.objects.select_related("account").get()


def test_other_instances_of_the_account_are_verified(unreadable, account, zapi):
    other = Instance.objects.create(account=account, name="Z", zapi_id="Z", token="t")
    assert verify_due() == 2
    assert Instance.objects.get(pk=other.pk).checked_at
    assert Instance.objects.get(pk=unreadable.pk).failed_checks == 1


def test_page_of_an_undecryptable_instance_says_what_to_do(admin: Browser, unreadable, zapi):
    page = admin.read(reverse("dashboard:instance", args=[unreadable.pk]))
    assert str(Problem.SECRET_UNREADABLE.label) in page


def test_undecryptable_instance_can_be_renamed_and_verified(admin: Browser, unreadable, zapi):
    path = reverse("dashboard:instance", args=[unreadable.pk])
    assert "Saved." in admin.send(path, {"name": "New"} | HOOKS, "save")
    assert str(Problem.SECRET_UNREADABLE.label) in admin.verify(unreadable)
    thresholds = {"stuck_after": 5, "unconfirmed_after": 5, "silence_factor": 3}
    thresholds |= {"silence_floor": 9, "failing_percent": 50}
    assert "Saved." in admin.send(act("thresholds", unreadable), thresholds)
    assert Instance.objects.get().stuck_after == 5


def test_saving_an_undecryptable_instance_keeps_the_token_digest(unreadable):
    unreadable.save()
    assert Instance.objects.get().token_digest == token_digest("token-of-the-instance")


def test_new_token_makes_the_instance_usable_again(unreadable, zapi):
    update(unreadable, name="New", token="another")
    assert verify_due() == 1
    assert Instance.objects.get().checked_at
