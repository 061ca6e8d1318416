"""A number that WhatsApp restricts."""

import itertools

import pytest
from django.urls import reverse

from messages.incidents.incident_counts import incident_counts
from messages.incidents.presentation import advice, description
from messages.models import Incident, Instance, Message
from tests.plugins.incidents import ago

SHADOW_BAN = {"error": "Message could not be sent", "errorCode": "SHADOW_BAN"}
REJECTED = {"error": "Whatsapp rejected sending this message"}


@pytest.fixture(autouse=True)
def _no_call_to_the_real_zapi(zapi):
    """Requests for Z-API's queue go to the stand-in."""


def _minutes_ago(clock, minutes):
    """In whole seconds, like Z-API's times."""
    return ago(clock, minutes=minutes).replace(microsecond=0)


@pytest.fixture
def dispatch(post, clock):
    """Report that Z-API handed a message over, or could not, minutes ago."""
    numbers = itertools.count()

    def one(minutes: float = 0, name: str = "", **more: object) -> None:
        momment = int(_minutes_ago(clock, minutes).timestamp()) * 1000
        callback = {"type": "DeliveryCallback", "messageId": name or f"D{next(numbers)}"}
        post({**callback, "phone": "5544999999999", "momment": momment, **more})

    return one


@pytest.fixture
def report(post, clock):
    def one(status: str, name: str, minutes: float = 0) -> None:
        momment = int(_minutes_ago(clock, minutes).timestamp()) * 1000
        callback = {"type": "MessageStatusCallback", "status": status, "ids": [name]}
        post({**callback, "phone": "5544999999999", "momment": momment})

    return one


def test_one_shadow_ban_opens_an_incident(dispatch, report, look, clock):
    report("SENT", "GOOD", 20)
    dispatch(8, **SHADOW_BAN)
    dispatch(5, **REJECTED)
    assert look() == ["restricted"]
    incident = Incident.objects.get()
    assert incident.opened_at == _minutes_ago(clock, 8)
    assert description(incident) == (
        "WhatsApp refused 2 messages from this number and has accepted none since. "
        "The last successful message was sent 12 min before the first refusal."
    )
    assert "Do not reconnect" in advice(incident)


def test_restriction_text_opens_an_incident_the_second_time(dispatch, look):
    dispatch(8, **REJECTED)
    assert look() == []
    dispatch(5, **REJECTED)
    assert look() == ["restricted"]


def test_other_failures_are_no_restriction(dispatch, look):
    for _ in range(4):
        dispatch(1, error="Phone number does not exist")
    assert look() == []


def test_next_success_ends_the_incident(dispatch, report, settle):
    dispatch(8, **SHADOW_BAN)
    assert settle() == ["restricted"]
    report("SENT", "NEXT")
    assert settle() == []


@pytest.mark.parametrize("status", ["SENT", "RECEIVED", "READ"])
def test_late_callback_of_an_older_message_does_not_end_it(dispatch, report, settle, status):
    dispatch(20, "OLD")
    dispatch(8, **SHADOW_BAN)
    settle()
    report(status, "OLD")
    assert settle() == ["restricted"]


def test_read_of_an_unknown_message_does_not_end_it(dispatch, report, settle):
    dispatch(8, **SHADOW_BAN)
    settle()
    report("READ", "UNKNOWN")
    assert settle() == ["restricted"]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_restriction_that_ended_is_not_opened_in_any_order(dispatch, report, look, order):
    steps = [
        lambda: dispatch(30, **SHADOW_BAN),
        lambda: dispatch(25, **REJECTED),
        lambda: report("SENT", "NEXT", 20),
    ]
    for step in order:
        steps[step]()
    assert look() == []


def test_late_callback_of_an_old_refusal_opens_no_incident(dispatch, look):
    dispatch(180, **SHADOW_BAN)
    assert look() == []


def test_earlier_refusal_that_arrives_late_moves_the_start(dispatch, look, clock):
    dispatch(5, **SHADOW_BAN)
    look()
    dispatch(9, **REJECTED)
    look()
    assert Incident.objects.get().opened_at == _minutes_ago(clock, 9)


@pytest.mark.parametrize("hours", [-30, 30])
def test_clock_jump_neither_ends_nor_doubles_the_incident(dispatch, look, clock, hours):
    dispatch(5, **SHADOW_BAN)
    look()
    clock.advance(hours=hours)
    assert look() == ["restricted"]
    assert Incident.objects.count() == 1


def test_failure_rate_is_merged_and_does_not_follow(dispatch, report, settle):
    for _ in range(6):
        dispatch(1, **SHADOW_BAN)
    assert settle() == ["restricted"]
    report("SENT", "NEXT")
    assert settle() == []


def test_incident_stays_open_without_new_messages(dispatch, settle, clock):
    dispatch(5, **SHADOW_BAN)
    settle()
    clock.advance(days=3)
    assert settle() == ["restricted"]


@pytest.mark.parametrize("name", ["REFUSED", "STUCK"])
def test_message_of_the_time_shows_the_restriction(dispatch, look, admin_client, clock, name):
    dispatch(5, "REFUSED", **SHADOW_BAN)
    look()
    dispatch(0, "STUCK")
    clock.advance(minutes=40)
    message = Message.objects.get(zapi_id=name)
    page = admin_client.get(reverse("dashboard:message", args=[message.pk]))
    assert "Restricted by WhatsApp since" in page.content.decode()


def test_pages_show_the_restriction(dispatch, look, instance, admin_client, monkeypatch):
    monkeypatch.setattr("messages.incidents.incident_counts._CACHE_SECONDS", 0.0)
    dispatch(5, **SHADOW_BAN)
    look()
    incident_counts.refresh()
    detail = admin_client.get(reverse("dashboard:instance", args=[instance.pk]))
    assert "Do not reconnect" in detail.content.decode()
    listed = admin_client.get(reverse("dashboard:instances")).content.decode()
    assert "Restricted by WhatsApp" in listed
    assert f"{Instance.objects.get().name} is restricted by WhatsApp" in listed
