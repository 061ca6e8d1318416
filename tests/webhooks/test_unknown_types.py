"""Callbacks of undocumented types are stored and counted, and parsed if they contain a status."""

import json

import pytest
from django.urls import reverse

from messages.forwarding import set_forwarding
from messages.incidents.detect import detect
from messages.ingest import quarantine, replay
from messages.jobs.follow_ups import follow_up
from messages.models import (
    Callback,
    Forward,
    Incident,
    KnownAddress,
    Message,
    TouchedHour,
    Webhook,
)

STATUS = {"status": "READ", "ids": ["M"], "momment": 1791300000123, "phone": "5544999999999"}
UNKNOWN = {"type": "TomorrowsCallback", "instanceId": "instance.id", "news": "all of it"}
INBOUND = {"status": "RECEIVED", "messageId": "M", "fromMe": False, "text": {"message": "Olá"}}


def on_health(client):
    return client.get(reverse("dashboard:health"), secure=True).content.decode()


def test_unknown_type_keeps_its_body(post):
    body = json.dumps(UNKNOWN, indent=3).encode()
    assert post(body).status == 200
    callback = Callback.objects.get()
    assert (bytes(callback.body), callback.type) == (body, "TomorrowsCallback")
    assert callback.why == "Statusboard does not know the type TomorrowsCallback."


@pytest.mark.parametrize(
    "kind", ["MessageStatusCallBack", "messageStatusCallback", "StatusCallback", "message-status"]
)
def test_unknown_type_with_status_and_ids_is_a_status(post, kind):
    assert post(STATUS | {"type": kind}).json() == {"outcome": "applied"}
    assert Message.objects.get().status == "READ"
    assert Callback.objects.get().body


@pytest.mark.parametrize("name", ["messageId", "id", "ids"])
def test_message_id_of_any_name_is_accepted(post, name):
    without = {key: value for key, value in STATUS.items() if key != "ids"}
    for kind in ("MessageStatusCallback", "MessageStatusCallBack"):
        assert post(without | {"type": kind, name: "M"}).status == 200
    assert Message.objects.get().zapi_id == "M"
    assert Message.objects.get().events.count() == 2


@pytest.mark.parametrize(
    "body",
    [
        INBOUND,
        {"status": "RINGING", "id": "CALL"},
        {"status": "READ"},
        {"status": "READ", "ids": [{}]},
        {"status": {"READ": 1}, "ids": ["M"]},
        {"ids": ["M"]},
    ],
)
def test_unknown_type_without_status_creates_no_message(post, body):
    assert post(body | {"type": "TomorrowsCallback"}).json() == {"outcome": "quarantined"}
    assert Callback.objects.get().body
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    "kind", ["ReceivedCallback", "receivedCallBack", "PresenceChatCallback", "ProxyCallback"]
)
def test_ignored_type_keeps_no_body(post, kind):
    assert post(INBOUND | {"type": kind}).json() == {"outcome": "ignored"}
    callback = Callback.objects.get()
    assert (callback.type, bytes(callback.body), callback.cause) == (kind, b"", "")
    assert not Message.objects.exists()


def test_health_page_counts_unknown_types(post, admin_client):
    assert "Unknown types" not in on_health(admin_client)
    post(UNKNOWN)
    post(UNKNOWN)
    post(STATUS | {"type": "MessageStatusCallBack"})
    post(STATUS | {"type": "MessageStatusCallback"})
    page = on_health(admin_client)
    assert page.count("TomorrowsCallback") == page.count("MessageStatusCallBack") == 1
    types = admin_client.get(reverse("dashboard:health"), secure=True).context["unknown_types"]
    assert [(one.type, one.number, one.read) for one in types] == [
        ("MessageStatusCallBack", 1, 1),
        ("TomorrowsCallback", 2, 0),
    ]


def test_discarded_callbacks_are_not_counted(post, admin_client):
    post(UNKNOWN)
    quarantine.discard(Callback.objects.all())
    assert "Unknown types" not in on_health(admin_client)


def test_unknown_type_opens_no_incident(post, instance):
    post(UNKNOWN)
    detect(lambda *_: None)
    assert not Incident.objects.filter(kind="quarantine").exists()


def test_unknown_types_fill_at_most_half_of_the_quarantine(post, settings):
    settings.QUARANTINE_MAX_BYTES = 2000
    quarantine.forget_usages()
    for _ in range(5):
        post(UNKNOWN | {"news": "x" * 400})
    assert post(b"{" + b" " * 899).status == 400
    kept = Callback.objects.kept()
    assert kept.filter(type="TomorrowsCallback").count() == 2
    assert kept.exclude(type="TomorrowsCallback").count() == 1
    quarantine.forget_usages()


def test_status_of_an_unknown_type_is_followed_up(post):
    """The worker links addresses and updates counts, as for every status."""
    post(STATUS | {"type": "MessageStatusCallBack"})
    follow_up()
    assert KnownAddress.objects.exists()
    assert TouchedHour.objects.exists()


def test_unknown_type_over_the_cap_is_forwarded_whole(post, instance, settings):
    for webhook in forwarding_all(instance):
        set_forwarding(webhook, "https://receiver.example/hook")
    settings.QUARANTINE_MAX_BYTES = 300
    quarantine.forget_usages()
    bodies = [json.dumps(UNKNOWN | {"n": n, "news": "x" * 40}).encode() for n in range(3)]
    for body in bodies:
        post(body)
    follow_up()
    assert [bytes(one.body) for one in Forward.objects.order_by("pk")] == bodies
    quarantine.forget_usages()


def test_replay_applies_types_known_after_an_update(post):
    post(UNKNOWN)
    Callback.objects.update(body=json.dumps(STATUS | {"type": "MessageStatusCallback"}).encode())
    assert replay(Callback.objects.all()).outcomes == {"applied": 1}
    callback = Callback.objects.get()
    assert (callback.type, callback.cause) == ("MessageStatusCallback", "")


def forwarding_all(instance):
    kinds = ("message-status", "delivery", "connected", "disconnected")
    return [Webhook.objects.get_or_create(instance=instance, kind=kind)[0] for kind in kinds]
