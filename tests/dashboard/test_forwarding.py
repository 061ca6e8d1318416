"""The forwarding of an instance on its page."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from messages.accounts.roles import SUPERVISOR
from messages.jobs.follow_ups import follow_up
from messages.models import Action, AuditEvent, Forward, Instance, UserLimit, Webhook
from tests.plugins.forwarding import forward, status, store
from tests.plugins.receiver import Receiver, Reply, receiving

CRM = "https://crm.example.com/hook"


@pytest.fixture
def path(instance) -> str:
    return reverse("dashboard:instance-forwarding", args=[instance.pk])


@pytest.fixture
def receiver(settings) -> Iterator[Receiver]:
    settings.FORWARD_ALLOW_PRIVATE = True
    with receiving() as one:
        yield one


@pytest.fixture
def send(client, admin, instance):
    """Change the forwarding of one webhook and return the text of the next page."""

    def send(kind: str = "message-status", **data: str):
        path = reverse("dashboard:instance-forwarding-change", args=[instance.pk, kind])
        return client.post(path, data, follow=True).content.decode()

    return send


def test_instance_page_links_to_forwarding(client, admin, instance, path):
    detail = client.get(reverse("dashboard:instance", args=[instance.pk]))
    assert path in detail.content.decode()


def test_forwarding_is_off_by_default_for_every_kind(client, admin, path):
    text = client.get(path).content.decode()
    assert text.count(">Off</span>") == 9


def test_forwarding_can_be_turned_on_and_is_audited(send, instance, admin):
    assert "Callbacks are now forwarded to crm.example.com." in send(forward_to=CRM)
    assert Webhook.objects.get().forward_to == CRM
    event = AuditEvent.objects.get(action=Action.FORWARDING_CHANGED)
    assert (event.actor, event.instance) == (admin, instance)
    assert event.details == {
        "kind": "message-status",
        "host": "crm.example.com",
        "token": False,
    }


def test_token_is_forwarded_only_if_selected(send):
    send(forward_to=CRM)
    assert not Webhook.objects.get().forwards_token
    send(forward_to=CRM, forwards_token="on")
    assert Webhook.objects.get().forwards_token


def test_previous_url_is_offered_as_the_receiver(client, send, instance, path):
    instance.webhooks.create(kind="message-status", previous_url=CRM)
    button = f'<input type="hidden" name="forward_to" value="{CRM}">'
    assert button in client.get(path).content.decode()
    assert button not in send(forward_to=CRM)


def test_refused_receiver_url_shows_the_reason_and_the_entered_url(send):
    text = send(forward_to="https://localhost/hook")
    assert "private network" in text
    assert "https://localhost/hook" in text
    assert not AuditEvent.objects.filter(action=Action.FORWARDING_CHANGED).exists()


def test_forwarding_can_be_turned_off(send):
    send(forward_to=CRM)
    assert "Forwarding is off." in send(forward_to="")
    assert Webhook.objects.get().forward_to == ""


def test_failing_receiver_shows_waiting_callbacks_error_and_next_try(
    client, send, instance, path, receiver
):
    receiver.reply = Reply(503)
    send(forward_to=receiver.url)
    store(instance, status(), status(1))
    forward()
    text = client.get(path).content.decode()
    assert "Failing" in text
    assert "<dt>Waiting</dt><dd>2</dd>" in text
    assert "The receiver returned an error. (HTTP 503)" in text
    assert "Next try" in text


def test_failed_callbacks_can_be_queued_again(client, send, instance, path, receiver):
    receiver.replies = [Reply(400)]
    send(forward_to=receiver.url)
    store(instance, status())
    forward()
    assert "<dt>Failed callbacks</dt><dd>1</dd>" in client.get(path).content.decode()
    button = reverse("dashboard:instance-forwarding-put-back", args=[instance.pk, "message-status"])
    text = client.post(button, follow=True).content.decode()
    assert "1 callback is queued again." in text
    assert AuditEvent.objects.latest("pk").details == {"kind": "message-status", "put back": 1}
    forward()
    assert not Forward.objects.exists()


def test_forwarding_page_query_count_is_fixed(
    client, send, instance, path, django_assert_max_num_queries
):
    send(forward_to=CRM)
    store(instance, *(status(number) for number in range(20)))
    follow_up()
    client.get(path)
    with django_assert_max_num_queries(11):
        client.get(path)


def test_unknown_kind_is_not_found(client, admin, instance):
    unknown = reverse("dashboard:instance-forwarding-change", args=[instance.pk, "nonsense"])
    assert client.post(unknown, {"forward_to": CRM}).status_code == 404


def test_supervisor_cannot_open_forwarding(client, admin, instance, path):
    instance.webhooks.create(kind="delivery", forward_to=CRM)
    admin.groups.set([Group.objects.get(name=SUPERVISOR)])
    assert client.get(path).status_code == 403


def test_instance_outside_the_users_limits_is_not_found(client, admin, instance, path):
    other = Instance.objects.create(account=instance.account, name="Other", zapi_id="other")
    UserLimit.objects.create(user=admin, instance=other)
    assert client.get(path).status_code == 404
