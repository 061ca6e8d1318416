"""Links between numbers and LIDs from inbound messages, whose text is not stored."""

import logging
import sqlite3
from datetime import timedelta
from itertools import product

import pytest
from django.apps import apps
from django.utils import timezone

from messages.ingest import drain, remember_keys
from messages.jobs.follow_ups import follow_up
from messages.models import Alias, Callback, Erasure, FollowUp, SpooledCallback
from messages.privacy import continue_erasures, find_person, request_erasure
from messages.search.criteria import Criteria
from messages.search.parser import parse_search

NUMBER, LID = "5544999999999", "200000000000011@lid"
OURS, GROUP = "199999999999999@lid", "120363019502650977-group"
SECRETS = ("Segredo", "Maria", "Padaria", "5511000000000")
INBOUND = {
    "type": "ReceivedCallback",
    "instanceId": "instance.id",
    "messageId": "3EB0IN",
    "phone": NUMBER,
    "chatLid": LID,
    "fromMe": False,
    "status": "RECEIVED",
    "senderName": "Maria",
    "chatName": "Padaria",
    "connectedPhone": "5511000000000",
    "text": {"message": "Segredo"},
}


def pairs():
    return list(Alias.objects.values_list("lid", "number"))


def stored():
    """All rows of all tables except the spool, as text."""
    models = apps.get_app_config("whatsapp").get_models()
    values = [
        value
        for model in models
        if model is not SpooledCallback
        for row in model._default_manager.values()
        for value in row.values()
    ]
    return repr([bytes(one) if isinstance(one, memoryview) else one for one in values])


@pytest.mark.parametrize(
    "body",
    [
        INBOUND,
        INBOUND | {"phone": "554499999999"},
        INBOUND | {"phone": f"{NUMBER}:12@s.whatsapp.net", "chatLid": "200000000000011:11@lid"},
        INBOUND | {"chatLid": "200000000000011"},
        INBOUND | {"chatLid": None, "senderLid": LID},
        INBOUND | {"fromMe": True, "senderLid": OURS},
        INBOUND | {"phone": GROUP, "participantPhone": NUMBER, "participantLid": LID},
        INBOUND
        | {"phone": GROUP, "chatLid": GROUP, "participantPhone": NUMBER, "senderLid": LID}
        | {"participantLid": None},
    ],
)
def test_link_is_saved(post, body):
    assert post(body).json() == {"outcome": "ignored"}
    follow_up()
    assert pairs() == [(LID, NUMBER)]


@pytest.mark.parametrize(
    "body",
    [
        INBOUND | {"chatLid": None},
        INBOUND | {"chatLid": None, "senderLid": OURS, "fromMe": True},
        INBOUND | {"phone": LID},
        INBOUND | {"phone": GROUP},
        INBOUND | {"phone": "1774895799-broadcast"},
        INBOUND | {"phone": "123"},
        INBOUND | {"chatLid": GROUP},
        INBOUND | {"chatLid": {"lid": LID}},
        INBOUND | {"phone": ["5544999999999"]},
        INBOUND | {"phone": "55\x0044", "chatLid": "\ud800@lid"},
    ],
)
def test_invalid_pair_saves_no_link(post, body):
    assert post(body).status == 200
    follow_up()
    assert pairs() == []


def test_search_by_number_finds_messages_of_linked_lid(post, admin_user):
    post(INBOUND)
    post({"type": "MessageStatusCallback", "status": "READ", "ids": ["M"], "phone": LID})
    follow_up()
    found = Criteria(parse_search(NUMBER)).messages(admin_user)
    assert [message.zapi_id for message in found] == ["M"]


def test_known_pair_writes_nothing(post):
    post(INBOUND)
    follow_up()
    seen_at = Alias.objects.get().seen_at
    post(INBOUND)
    follow_up()
    assert Alias.objects.get().seen_at == seen_at


def test_text_of_inbound_message_is_not_stored_or_logged(post, caplog):
    caplog.set_level(logging.DEBUG)
    post(INBOUND)
    before = stored()
    follow_up()
    for text, secret in product((before, stored(), caplog.text), SECRETS):
        assert secret not in text


def test_text_of_inbound_message_is_gone_after_draining_spool(post, away, spool_path, caplog):
    away(True)
    assert post(INBOUND).json() == {"outcome": "spooled"}
    away(False)
    drain()
    follow_up()
    assert pairs() == [(LID, NUMBER)]
    assert not SpooledCallback.objects.exists()
    files = [path.read_bytes() for path in spool_path.parent.iterdir() if path.is_file()]
    for secret in SECRETS:
        assert not any(secret.encode() in content for content in files)
        assert secret not in stored() + caplog.text


def test_link_of_erased_person_is_not_restored_by_old_callbacks(post):
    post(INBOUND)
    waiting = list(FollowUp.objects.all())
    request_erasure(find_person(NUMBER), None)
    continue_erasures()
    assert not FollowUp.objects.exists()
    # As if a worker or the spool of another machine still has the callback.
    FollowUp.objects.bulk_create(waiting)
    Erasure.objects.update(requested_at=timezone.now() + timedelta(seconds=1))
    follow_up()
    assert pairs() == []
    assert Callback.objects.get().body == b""


def spooled(spool_path):
    with sqlite3.connect(spool_path) as file:
        (body,) = file.execute("SELECT body FROM whatsapp_spooledcallback").fetchone()
    return bytes(body).decode()


def test_spool_keeps_only_the_facts_of_an_inbound_message(spool_path, post, away):
    away(True)
    post(INBOUND)
    assert NUMBER in spooled(spool_path)
    assert not any(secret in spooled(spool_path) for secret in SECRETS)


def test_spool_keeps_an_inbound_message_that_is_forwarded(spool_path, post, away, instance):
    instance.webhooks.create(kind="received", wanted=False, forward_to="https://crm.example/in")
    remember_keys()
    away(True)
    post(INBOUND)
    assert "Segredo" in spooled(spool_path)


def test_inbound_message_is_not_kept_for_a_receiver_of_statuses(post, instance):
    instance.webhooks.create(kind="message-status", forward_to="https://crm.example/in")
    post(INBOUND)
    assert "Segredo" not in stored()
