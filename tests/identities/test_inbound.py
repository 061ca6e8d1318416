"""Who is behind a LID, as inbound messages tell it: the pair, and nothing that was written."""

import logging
import sqlite3
from datetime import timedelta
from itertools import product

import pytest
from django.apps import apps
from django.utils import timezone

from messages.ingest import drain
from messages.jobs.follow_ups import follow_up
from messages.models import Alias, Callback, Erasure, FollowUp, SpooledCallback
from messages.privacy import continue_erasures, find_person, request_erasure
from messages.search.criteria import Criteria
from messages.search.parser import understand
from tests.ingest.conftest import away, spool_path

__all__ = ["away", "spool_path"]

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
    """Each row of each table but the spool's, as text; bytes as what they say."""
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
def test_a_pair_is_learned(post, body):
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
def test_what_is_no_pair_is_not(post, body):
    assert post(body).status == 200
    follow_up()
    assert pairs() == []


def test_a_pair_leads_from_the_number_to_messages_under_the_lid(post, admin_user):
    post(INBOUND)
    post({"type": "MessageStatusCallback", "status": "READ", "ids": ["M"], "phone": LID})
    follow_up()
    found = Criteria(understand(NUMBER)).messages(admin_user)
    assert [message.zapi_id for message in found] == ["M"]


def test_a_pair_that_is_known_costs_no_write(post):
    post(INBOUND)
    follow_up()
    seen_at = Alias.objects.get().seen_at
    post(INBOUND)
    follow_up()
    assert Alias.objects.get().seen_at == seen_at


def test_neither_database_nor_log_holds_what_was_written(post, caplog):
    caplog.set_level(logging.DEBUG)
    post(INBOUND)
    before = stored()
    follow_up()
    for text, secret in product((before, stored(), caplog.text), SECRETS):
        assert secret not in text


def test_the_spool_holds_nothing_of_it_once_it_is_drained(post, away, spool_path, caplog):
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


def test_an_erased_person_is_not_brought_back_by_what_came_before(post):
    post(INBOUND)
    waiting = list(FollowUp.objects.all())
    request_erasure(find_person(NUMBER), None)
    continue_erasures()
    assert not FollowUp.objects.exists()
    # As if a worker had it in hand, or another machine's spool.
    FollowUp.objects.bulk_create(waiting)
    Erasure.objects.update(requested_at=timezone.now() + timedelta(seconds=1))
    follow_up()
    assert pairs() == []
    assert Callback.objects.get().body == b""


def test_the_file_of_the_spool_can_be_read(spool_path, post, away):
    """Or the test above would show nothing."""
    away(True)
    post(INBOUND)
    with sqlite3.connect(spool_path) as file:
        (body,) = file.execute("SELECT body FROM whatsapp_spooledcallback").fetchone()
    assert b"Segredo" in bytes(body)
