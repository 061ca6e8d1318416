"""The channels' pages: made, changed, tried, removed; secrets go in and never come out."""

import re

import pytest
from django.contrib.auth.models import Group, User

from messages.accounts.roles import ADMIN
from messages.models import (
    AuditEvent,
    Channel,
    ChannelKind,
    IncidentKind,
    Notification,
    UserLimit,
)
from tests.dashboard.conftest import admin_client, client
from tests.notifications.conftest import SECRET, channel, messages_of, opened, resolved
from tests.receiver import Reply

__all__ = ["admin_client", "client"]

FORM = {"name": "On call", "kind": "webhook", "language": "en", "pause": "10", "enabled": "on"}


@pytest.fixture
def add(admin_client, receiver):
    def post(**fields):
        data = FORM | {"address": receiver.url, "secret": SECRET} | fields
        return admin_client.post("/attention/channels/add/", data, follow=True)

    return post


def test_a_channel_is_added_and_its_secrets_are_not_shown(add, receiver):
    page = add(kinds=["stuck"]).content.decode()
    made = Channel.objects.get()
    assert (made.address.reveal(), made.secret.reveal()) == (receiver.url, SECRET)
    assert "On call" in page
    assert "Messages stuck" in page
    assert SECRET not in page
    assert receiver.url not in page


def test_a_channel_added_is_told_of_what_is_wrong_already(add, receiver, instance):
    opened(instance)
    resolved(opened(instance, IncidentKind.FAILING))
    opened(instance, IncidentKind.EXPIRING)
    add(kinds=["stuck", "failing"])
    assert [one.incident.kind for one in Notification.objects.all()] == ["stuck"]


def test_a_channel_switched_on_again_is_told_of_nothing_twice(admin_client, webhook, instance):
    opened(instance)
    change = f"/attention/channels/{webhook.pk}/"
    admin_client.post(change, {key: FORM[key] for key in FORM if key != "enabled"})
    opened(instance, IncidentKind.EXPIRING)
    admin_client.post(change, FORM)
    kinds = [one.incident.kind for one in Notification.objects.order_by("pk")]
    assert kinds == ["stuck", "expiring"]


def test_blank_keeps_the_address_and_the_secret(admin_client, webhook, receiver):
    data = FORM | {"name": "Renamed", "address": "", "secret": ""}
    admin_client.post(f"/attention/channels/{webhook.pk}/", data)
    webhook.refresh_from_db()
    assert webhook.name == "Renamed"
    assert (webhook.address.reveal(), webhook.secret.reveal()) == (receiver.url, SECRET)


@pytest.mark.parametrize(
    "fields",
    [
        {"secret": ""},
        {"secret": "short"},
        {"address": ""},
        {"address": "ftp://example.com"},
        {"kind": "email", "address": "nobody"},
        {"pause": "-1"},
    ],
)
def test_what_cannot_work_is_refused(add, fields):
    assert 'class="errorlist"' in add(**fields).content.decode()
    assert not Channel.objects.exists()


def test_an_address_in_this_network_is_refused(add, settings):
    settings.FORWARD_ALLOW_PRIVATE = False
    assert "private network" in add(address="https://127.0.0.1/").content.decode()


def test_the_test_button_tells_the_channel_at_once(admin_client, webhook, receiver):
    page = admin_client.post(f"/attention/channels/{webhook.pk}/test/", follow=True)
    assert messages_of(receiver)[0]["subject"] == "Test message"
    assert "Test sent. Check that it arrived." in page.content.decode()


def test_the_test_button_says_what_went_wrong(admin_client, webhook, receiver):
    receiver.reply = Reply(404)
    page = admin_client.post(f"/attention/channels/{webhook.pk}/test/", follow=True)
    assert "The receiver’s URL was not found. Check it." in page.content.decode()


def test_the_form_says_that_no_mail_server_is_set(admin_client, settings):
    path = "/attention/channels/add/"
    assert "E-mail is not configured" not in admin_client.get(path).content.decode()
    settings.EMAIL_SERVER_BACKEND = "django.core.mail.backends.console.EmailBackend"
    assert "E-mail is not configured" in admin_client.get(path).content.decode()


def test_the_address_is_not_called_optional_where_it_is_needed(admin_client):
    page = admin_client.get("/attention/channels/add/").content.decode()
    assert re.search(r'for="id_address">Destination</label>', page)


def test_a_channel_is_removed(admin_client, webhook):
    admin_client.post(f"/attention/channels/{webhook.pk}/remove/")
    assert not Channel.objects.exists()


def test_every_change_is_audited_without_a_secret(add, admin_client, receiver):
    add()
    pk = Channel.objects.get().pk
    admin_client.post(f"/attention/channels/{pk}/", FORM | {"name": "Renamed"})
    admin_client.post(f"/attention/channels/{pk}/test/")
    admin_client.post(f"/attention/channels/{pk}/remove/")
    events = AuditEvent.objects.filter(action="channel changed").order_by("id")
    assert [event.details["changed"][0] for event in events] == [
        *("added", "name", "tested", "removed")
    ]
    assert SECRET not in repr([event.details for event in events])


def test_the_queries_of_the_page(admin_client, instance, receiver, django_assert_num_queries):
    for _ in range(10):
        channel(ChannelKind.SLACK, receiver.url).instances.add(instance)
    admin_client.get("/attention/channels/")
    with django_assert_num_queries(4):
        admin_client.get("/attention/channels/")


def test_who_is_limited_cannot_have_others_told_of_what_they_may_not_see(client, instance, webhook):
    limited = User.objects.create_user("limited")
    limited.groups.add(Group.objects.get(name=ADMIN))
    UserLimit.objects.create(user=limited, instance=instance)
    client.force_login(limited)
    assert client.get("/attention/channels/").status_code == 403
    assert client.post(f"/attention/channels/{webhook.pk}/", FORM).status_code == 403
