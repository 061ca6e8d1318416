"""Answers and times of writing, from inbound messages whose content is not stored."""

import itertools
import json
import logging
from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps
from hypothesis import given
from hypothesis import strategies as st

from messages.answers import answers_to, responses_of
from messages.jobs.follow_ups import follow_up
from messages.models import Alias, Answer, Callback, Message, SpooledCallback, Writing
from messages.privacy import continue_erasures, find_person, request_erasure
from messages.zapi.payloads import parse, reduced

NUMBER, LID, GROUP = "5544999999999", "200000000000011@lid", "120363019502650977-group"
SENT = datetime(2026, 10, 1, 12, tzinfo=UTC)
SECRET = "Segredo"


def at(**delta):
    return int((SENT + timedelta(**delta)).timestamp() * 1000)


STATUS = {"type": "MessageStatusCallback", "status": "RECEIVED", "ids": ["M"], "momment": at()}
STATUS |= {"phone": NUMBER}
INBOUND = {
    "type": "ReceivedCallback",
    "instanceId": "instance.id",
    "messageId": "IN1",
    "phone": NUMBER,
    "chatLid": LID,
    "fromMe": False,
    "momment": at(minutes=3),
    "senderName": SECRET,
    "text": {"message": SECRET},
}
REPLY = INBOUND | {"referenceMessageId": "M"}
REACTION = {"value": "👍", "referencedMessage": {"messageId": "M", "fromMe": True}}
WITHOUT_REFERENCE = {name: value for name, value in REPLY.items() if name != "referenceMessageId"}


def response(zapi_id="M"):
    message = Message.objects.get(zapi_id=zapi_id)
    return responses_of([message.pk]).get(message.pk)


def stored():
    models = apps.get_app_config("whatsapp").get_models()
    rows = [
        row
        for model in models
        if model is not SpooledCallback
        for row in model._default_manager.values()
    ]
    return repr([bytes(v) if isinstance(v, memoryview) else v for r in rows for v in r.values()])


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (REPLY, "reply"),
        (INBOUND | {"reaction": REACTION}, "reaction"),
        (INBOUND | {"pollVote": {"pollMessageId": "M", "options": [{"name": SECRET}]}}, "vote"),
        (REPLY | {"buttonsResponseMessage": {"buttonId": "1", "message": SECRET}}, "button"),
        (INBOUND | {"listResponseMessage": {"referenceMessageId": "M", "title": SECRET}}, "list"),
    ],
)
def test_answer_is_stored_without_its_content(post, caplog, body, kind):
    caplog.set_level(logging.DEBUG)
    post(STATUS)
    assert post(body).json() == {"outcome": "ignored"}
    assert SECRET not in stored()
    follow_up()
    found = response()
    assert (found.kind, found.answers, found.answered_at) == (kind, 1, SENT + timedelta(minutes=3))
    assert SECRET not in stored() + caplog.text
    assert Message.objects.get().rank == 30


@pytest.mark.parametrize(
    "changes",
    [
        {"fromMe": True},
        {"isEdit": True},
        {"waitingMessage": True},
        {"notification": "REVOKE"},
        {"reaction": REACTION | {"value": ""}},
        {"reaction": REACTION | {"referencedMessage": {"messageId": "M", "fromMe": False}}},
        {"pollVote": {"pollMessageId": "M", "options": []}},
        {"reaction": "M"},
        {"pollVote": ["M"]},
        {"referenceMessageId": {"id": "M"}},
        {"referenceMessageId": "a text"},
        {"referenceMessageId": "M" * 129},
        {"referenceMessageId": "M\0"},
    ],
)
def test_what_answers_nothing_stores_no_answer(post, changes):
    post(STATUS)
    assert post(REPLY | changes).status == 200
    follow_up()
    assert not Answer.objects.exists()


def test_text_without_a_reference_is_a_time_of_writing(post):
    post(STATUS)
    post(INBOUND)
    follow_up()
    found = response()
    assert (found.answered_at, found.wrote_at) == (None, SENT + timedelta(minutes=3))


def test_text_before_the_message_is_no_response_to_it(post):
    post(STATUS)
    post(INBOUND | {"momment": at(minutes=-1)})
    follow_up()
    assert response() is None


def test_writer_is_found_by_lid_and_without_the_ninth_digit(post):
    post(STATUS | {"phone": LID})
    post(STATUS | {"phone": "554499999999", "ids": ["OLD"]})
    post(INBOUND)
    follow_up()
    assert response().wrote_at == response("OLD").wrote_at == SENT + timedelta(minutes=3)


def test_writing_in_a_group_is_no_response(post):
    post(STATUS | {"phone": GROUP, "participant": NUMBER})
    post(INBOUND | {"phone": GROUP, "isGroup": True, "participantPhone": NUMBER})
    follow_up()
    assert not Writing.objects.exists()


def test_members_of_a_group_answer_one_by_one(post):
    post(STATUS | {"phone": GROUP, "participant": NUMBER})
    group = REPLY | {"phone": GROUP, "isGroup": True, "chatLid": None}
    post(group | {"participantPhone": NUMBER, "messageId": "IN1"})
    post(group | {"participantLid": LID, "messageId": "IN2", "momment": at(minutes=5)})
    follow_up()
    assert [one.author for one in answers_to(Message.objects.get())] == [NUMBER, LID]


def test_any_order_of_the_same_callbacks_gives_the_same_rows(post):
    bodies = [
        STATUS,
        REPLY,
        REPLY | {"messageId": "IN2", "momment": at(minutes=1)},
        INBOUND | {"messageId": "IN3", "momment": at(minutes=2)},
    ]
    found = set()
    for order in itertools.permutations(bodies):
        for model in (Message, Answer, Writing, Alias):
            model.objects.all().delete()
        for body in (*order, *order):
            post(body)
            follow_up()
        answers = sorted(Answer.objects.values_list("digest", "at"))
        writings = sorted(Writing.objects.values_list("address", "first_at", "last_at"))
        found.add(repr((response(), answers, writings)))
    assert len(found) == 1


def test_thousands_of_answers_keep_the_earliest_thousand(post, instance, monkeypatch):
    post(STATUS)
    for number in range(12):
        post(REPLY | {"messageId": f"IN{number}", "momment": at(minutes=20 - number)})
    monkeypatch.setattr("messages.answers.recording.MAX_KEPT", 10)
    follow_up()
    assert (response().answers, response().answered_at) == (10, SENT + timedelta(minutes=9))


def test_answer_to_an_unknown_message_is_kept(post):
    post(REPLY)
    follow_up()
    post(STATUS)
    assert response().answers == 1


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(INBOUND)[:-20].encode(),
        json.dumps(INBOUND | {"instanceId": [SECRET]}).encode(),
        json.dumps(INBOUND | {"instanceId": "another.one"}).encode(),
        json.dumps(INBOUND | {"text": "x" * 200_000 + SECRET}).encode(),
        b'{"type":"ReceivedCallback","text":"Segredo","more":' + b"[" * 500 + b"]" * 500 + b"}",
        json.dumps(INBOUND).encode("utf-16"),
        b'{"type":"ReceivedCallback","text":"Segredo","number":' + b"9" * 9000 + b"}",
        json.dumps(INBOUND | {"phone": SECRET, "messageId": "\0", "momment": {}}).encode(),
    ],
)
def test_hostile_inbound_message_is_accepted_and_not_kept(post, body):
    assert post(body).status == 200
    follow_up()
    assert bytes(Callback.objects.get().body) == b""
    assert SECRET not in stored()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda some: st.lists(some, max_size=3) | st.dictionaries(st.text(), some, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*REPLY, "reaction", "pollVote", "notification"]), _JSON))
def test_reduced_body_tells_the_same_facts(changes):
    body = json.dumps(REPLY | changes | {"type": "ReceivedCallback"}).encode()
    assert parse(reduced(body)) == parse(body)
    assert reduced(reduced(body)) == reduced(body)


def test_erasing_a_person_erases_their_answers(post):
    post(STATUS | {"phone": GROUP, "participant": NUMBER})
    post(REPLY)
    follow_up()
    assert Answer.objects.exists()
    assert Writing.objects.exists()
    request_erasure(find_person(NUMBER), None)
    continue_erasures()
    assert not Answer.objects.exists()
    assert not Writing.objects.exists()
