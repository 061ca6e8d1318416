"""Instances that were connected by mistake."""

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from messages.accounts.roles import ADMIN
from messages.instances.push import ANYTHING, push
from messages.models import Account, AuditEvent, Channel, Instance, Label, UserLimit
from tests.dashboard.test_instances import CALLBACK, LIST, act, signed_in
from tests.plugins.zapi import FOREIGN_URL


@pytest.fixture
def admin(db):
    return signed_in(ADMIN)


def test_deletion_needs_confirmation_and_is_audited(admin, instance):
    assert "was deleted" in admin.insist(act("delete", instance))
    assert not Instance.objects.exists()
    assert not Account.objects.exists()
    event = AuditEvent.objects.get()
    assert (event.actor_name, event.details["instance"]) == ("Admin", "Atendimento")
    assert "Atendimento" in admin.read(reverse("dashboard:audit"))


def test_instance_with_callbacks_cannot_be_deleted(admin, instance, post):
    post(CALLBACK)
    assert "Archive it instead" in admin.insist(act("delete", instance))
    assert Instance.objects.exists()


def test_page_of_an_instance_with_callbacks_has_no_delete_button(admin, instance, post):
    where = reverse("dashboard:instance", args=[instance.pk])
    assert act("delete", instance) in admin.read(where)
    post(CALLBACK)
    assert act("delete", instance) not in admin.read(where)


def test_instance_with_labels_cannot_be_deleted(admin, instance):
    Label.objects.create(instance=instance, zapi_id="M", label="Order 1", updated_at=timezone.now())
    admin.insist(act("delete", instance))
    assert Instance.objects.exists()


def test_archived_instance_can_be_deleted(admin, instance):
    admin.insist(act("archive", instance))
    assert act("delete", instance) in admin.read(reverse("dashboard:instance", args=[instance.pk]))
    admin.insist(act("delete", instance))
    assert "No WhatsApp number is connected yet" in admin.read(LIST)


def test_deletion_keeps_an_account_with_another_instance(admin, instance):
    other = Instance.objects.create(account=instance.account, name="Other", zapi_id="other")
    admin.insist(act("delete", instance))
    assert list(Instance.objects.all()) == [other]


def test_deletion_that_would_widen_limits_is_refused(admin, instance):
    UserLimit.objects.create(user=User.objects.create_user("ana"), instance=instance)
    channel = Channel.objects.create(name="Slack")
    channel.instances.add(instance)
    assert "limited to this instance: ana, Slack" in admin.insist(act("delete", instance))
    assert Instance.objects.exists()


def test_deletion_can_restore_the_previous_url(admin, instance, zapi):
    push(instance)
    zapi.instances[instance.zapi_id].urls["message-status"] = FOREIGN_URL
    push(instance, replacing=ANYTHING)
    admin.send(act("delete", instance), {"confirmed": "first"})
    assert zapi.instances[instance.zapi_id].urls["message-status"] == FOREIGN_URL
    assert not Instance.objects.exists()


def test_command_deletes_an_unused_instance(instance, post):
    call_command("instances", "delete", instance.zapi_id)
    assert not Instance.objects.exists()


def test_command_refuses_to_delete_a_used_instance(instance, post):
    post(CALLBACK)
    with pytest.raises(CommandError, match="Archive it instead"):
        call_command("instances", "delete", instance.zapi_id)
