"""Addresses of people, lists and channels in all forms that Z-API uses."""

from datetime import UTC, datetime

import pytest

from messages.models import Message, StatusEvent
from messages.privacy.find import find
from messages.privacy.person import find_person
from messages.search.criteria import Criteria
from messages.search.parser import parse_search

NOW = datetime(2026, 10, 6, 15, 20, tzinfo=UTC)
NUMBER, LID = "5544999990001", "200000000000011@lid"
READ = {"type": "MessageStatusCallback", "status": "READ", "ids": ["M"], "momment": 1791300000123}
WRITTEN = [
    (f"{NUMBER}:12@s.whatsapp.net", NUMBER),
    (f"{NUMBER}.0:12@s.whatsapp.net", NUMBER),
    (f"{NUMBER}@c.us", NUMBER),
    ("200000000000011:11@lid", LID),
    ("200000000000011:11@hosted.lid", LID),
]


def found_by(text, user):
    wanted = Criteria(parse_search(text)).messages(user)
    return set(wanted.values_list("zapi_id", flat=True))


@pytest.mark.parametrize(("written", "stored"), WRITTEN)
def test_person_is_stored_without_device_and_host(post, written, stored):
    post(READ | {"phone": written})
    post(READ | {"ids": ["G"], "phone": "120363019502650977-group", "participant": written})
    assert Message.objects.get(zapi_id="M").phone == stored
    assert StatusEvent.objects.get(message__zapi_id="M").phone == stored
    assert StatusEvent.objects.get(message__zapi_id="G").participant == stored


def test_device_in_an_address_belongs_to_the_event(post):
    post(READ | {"phone": f"{NUMBER}:12@s.whatsapp.net"})
    post(READ | {"phone": f"{NUMBER}:13@s.whatsapp.net"})
    post(READ | {"phone": NUMBER, "phoneDevice": 13})
    devices = StatusEvent.objects.order_by("device").values_list("device", "repeats")
    assert list(devices) == [(12, 0), (13, 1)]
    assert not Message.objects.get().several


@pytest.mark.parametrize(("written", "stored"), WRITTEN)
def test_person_is_found_by_every_form(post, admin_user, written, stored):
    post(READ | {"phone": stored})
    assert found_by(written, admin_user) == {"M"}
    assert find_person(written) == find_person(stored)
    assert find(find_person(written)).counts["messages"] == 1


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("1774895799-broadcast", "1774895799-broadcast"),
        ("1774895799-broadcast", "1774895799@broadcast"),
        ("1774895799@broadcast", "1774895799-broadcast"),
        ("status@broadcast", "status@broadcast"),
        ("120363019502650977@newsletter", "120363019502650977@newsletter"),
        ("120363019502650977@newsletter", "120363019502650977"),
    ],
)
def test_list_or_channel_has_many_recipients_and_is_found(post, admin_user, written, typed):
    post(READ | {"status": "SENT", "phone": written})
    assert Message.objects.get().is_group
    assert found_by(typed, admin_user) == {"M"}
