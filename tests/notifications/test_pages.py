"""The channel pages: add, change, test and remove; secrets are never shown."""

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
from tests.plugins.notifications import SECRET, channel, messages_of, opened, resolved
from tests.plugins.receiver import Reply

FORM = {"name": "On call", "kind": "webhook", "language": "en", "pause": "10", "enabled": "on"}


@pytest.fixture
def add(admin_client, receiver):
    def post(**fields):
        data = FORM | {"address": receiver.url, "secret": SECRET} | fields
        return admin_client.post("/attention/channels/add/", data, follow=True)

    return post


def test_added_channel_does_not_show_its_secrets(add, receiver):
    page = add(kinds=["stuck"]).content.decode()
    made = Channel.objects.get()
    assert (made.address.reveal(), made.secret.reveal()) == (receiver.url, SECRET)
    assert "On call" in page
    assert "Messages stuck" in page
    assert SECRET not in page
    assert receiver.url not in page


def test_added_channel_gets_the_open_incidents(add, receiver, instance):
    opened(instance)
    resolved(opened(instance, IncidentKind.FAILING))
    opened(instance, IncidentKind.EXPIRING)
    add(kinds=["stuck", "failing"])
    assert [one.incident.kind for one in Notification.objects.all()] == ["stuck"]


def test_enabled_channel_gets_nothing_twice(admin_client, webhook, instance):
    opened(instance)
    change = f"/attention/channels/{webhook.pk}/"
    admin_client.post(change, {key: FORM[key] for key in FORM if key != "enabled"})
    opened(instance, IncidentKind.EXPIRING)
    admin_client.post(change, FORM)
    kinds = [one.incident.kind for one in Notification.objects.order_by("pk")]
    assert kinds == ["stuck", "expiring"]


def test_blank_destination_and_secret_keep_the_stored_ones(admin_client, webhook, receiver):
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
def test_invalid_channel_is_refused(add, fields):
    assert 'class="errorlist"' in add(**fields).content.decode()
    assert not Channel.objects.exists()


def test_private_url_is_refused(add, settings):
    settings.FORWARD_ALLOW_PRIVATE = False
    assert "private network" in add(address="https://127.0.0.1/").content.decode()


def test_test_button_sends_a_message_at_once(admin_client, webhook, receiver):
    page = admin_client.post(f"/attention/channels/{webhook.pk}/test/", follow=True)
    assert messages_of(receiver)[0]["subject"] == "Test message"
    assert "Test sent. Check that it arrived." in page.content.decode()


def test_test_button_shows_the_problem(admin_client, webhook, receiver):
    receiver.reply = Reply(404)
    page = admin_client.post(f"/attention/channels/{webhook.pk}/test/", follow=True)
    assert "The receiver’s URL was not found. Check it." in page.content.decode()


def test_form_warns_if_email_is_not_configured(admin_client, settings):
    path = "/attention/channels/add/"
    assert "E-mail is not configured" not in admin_client.get(path).content.decode()
    settings.EMAIL_SERVER_BACKEND = "django.core.mail.backends.console.EmailBackend"
    assert "E-mail is not configured" in admin_client.get(path).content.decode()


def test_required_destination_is_not_marked_optional(admin_client):
    page = admin_client.get("/attention/channels/add/").content.decode()
    assert re.search(r'for="id_address">Destination</label>', page)


def test_channel_can_be_removed(admin_client, webhook):
    admin_client.post(f"/attention/channels/{webhook.pk}/remove/")
    assert not Channel.objects.exists()


def test_channel_changes_are_audited_without_secrets(add, admin_client, receiver):
    add()
    pk = Channel.objects.get().pk
    admin_client.post(f"/attention/channels/{pk}/", FORM | {"name": "Renamed"})
    admin_client.post(f"/attention/channels/{pk}/test/")
    admin_client.post(f"/attention/channels/{pk}/remove/")
    events = AuditEvent.objects.filter(action__startswith="channel ").order_by("id")
    assert [event.action for event in events] == [
        *("channel added", "channel changed", "channel tested", "channel removed")
    ]
    assert events[1].details["changed"] == ["name"]
    assert SECRET not in repr([event.details for event in events])


def test_channels_page_query_count_is_fixed(
    admin_client, instance, receiver, django_assert_num_queries
):
    for _ in range(10):
        channel(ChannelKind.SLACK, receiver.url).instances.add(instance)
    admin_client.get("/attention/channels/")
    with django_assert_num_queries(4):
        admin_client.get("/attention/channels/")


def test_limited_user_cannot_open_channels(client, instance, webhook):
    limited = User.objects.create_user("limited")
    limited.groups.add(Group.objects.get(name=ADMIN))
    UserLimit.objects.create(user=limited, instance=instance)
    client.force_login(limited)
    assert client.get("/attention/channels/").status_code == 403
    assert client.post(f"/attention/channels/{webhook.pk}/", FORM).status_code == 403
