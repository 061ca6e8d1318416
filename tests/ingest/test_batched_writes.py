"""Callbacks that arrive together: written in one batch on SQLite, side by side on PostgreSQL."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from messages.ingest import Delivery, new_delivery_id, record, sqlite, store
from messages.ingest.entries import read
from messages.models import Callback, FollowUp, Message, StatusEvent
from tests.plugins.webhook import ZAPI_ID

from .test_merge_rules import EPOCH, EVENT_FIELDS, MESSAGE_FIELDS

only_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="locks of PostgreSQL"
)
only_sqlite = pytest.mark.skipif(
    connection.vendor != "sqlite", reason="PostgreSQL writes each callback by itself"
)
ARRIVAL = datetime(2026, 11, 22, 9, 14, tzinfo=UTC)
WORDS = ["SENT", "FAILED", "RECEIVED", "READ", "PLAYED", "READ_BY_ME", "EDITED"]

# All values that JSON allows in a callback.
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
reports = st.fixed_dictionaries(
    {
        "status": st.sampled_from(WORDS),
        "momment": st.integers(0, 5).map(lambda n: EPOCH + n * 1000) | st.sampled_from([None, "x"]),
        "phone": st.sampled_from(["5544999999999", "998877665544332@lid", "120363-group", ""]),
        "participant": st.sampled_from(["", "5561"]),
        "error": st.none() | texts,
    }
)


def delivery(report, *ids, **more):
    body = json.dumps({"type": "MessageStatusCallback", "ids": ids} | report)
    return Delivery(new_delivery_id(), ZAPI_ID, 1, ARRIVAL, body.encode(), **more)


def entries(drawn, salt=""):
    """Entries with one or two message ids each."""
    return [
        read(delivery(report, *(f"{salt}{place}-{n}" for n in range(1 + place % 2))))
        for place, report in enumerate(drawn)
    ]


def stored():
    """All stored rows, without ids and arrival times."""
    of_events = (*EVENT_FIELDS, "received_at", "repeats", "message__zapi_id")
    of_callbacks = (
        "type",
        "outcome",
        "cause",
        "cause_values",
        "token_check",
        "size",
        "received_at",
    )
    callbacks = Callback.objects.values_list("body", *of_callbacks)
    return [
        sorted(map(repr, rows))
        for rows in (
            Message.objects.values_list(*MESSAGE_FIELDS),
            StatusEvent.objects.values_list(*of_events),
            ((bytes(body), *others) for body, *others in callbacks),
            FollowUp.objects.values_list("instance_id", "type", "body"),
        )
    ]


def emptied():
    for model in (FollowUp, Callback, StatusEvent, Message):
        model.objects.all().delete()


@only_sqlite
@pytest.mark.django_db
class TestSameRows:
    @pytest.fixture(autouse=True)
    def _instance(self, instance):
        self.instance = instance

    @settings(max_examples=40, deadline=None)
    @given(first=st.lists(reports, min_size=2, max_size=6), then=st.lists(reports, max_size=6))
    def test_batch_gives_the_same_rows_as_single_writes(self, first, then):
        emptied()
        for entry in (*entries(first), *entries(then)):
            sqlite.store(entry)
        one_by_one = stored()
        emptied()
        sqlite.store_together(entries(first))
        if then:
            sqlite.store_together(entries(then))
        assert stored() == one_by_one


def sent(*ids, **more):
    return read(delivery({"status": "SENT", "momment": EPOCH}, *ids, **more))


@only_sqlite
def test_batch_returns_each_outcome(instance):
    sqlite.store(sent("known"))
    answers = sqlite.store_together([sent("new"), sent("known"), sent("known too", "newer")])
    assert answers == [
        (instance.pk, "applied"),
        (instance.pk, "repeated"),
        (instance.pk, "applied"),
    ]


@only_sqlite
def test_invalid_key_in_a_batch_does_not_affect_others(instance):
    stranger = sent("theirs")
    stranger = replace(stranger, delivery=replace(stranger.delivery, zapi_id="nobody"))
    retired = sent("old")
    retired = replace(retired, delivery=replace(retired.delivery, key_version=7))
    answers = sqlite.store_together([stranger, sent("ours"), retired])
    assert answers == [None, (instance.pk, "applied"), None]
    assert [message.zapi_id for message in Message.objects.all()] == ["ours"]


@contextmanager
def locked(statement="LOCK TABLE whatsapp_message IN EXCLUSIVE MODE"):
    """Lock the row in another connection, so that writes within the block must wait."""
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute(f"BEGIN; {statement}")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")
            other.close()


@pytest.fixture
def patient(monkeypatch):
    """Raise the timeout, so that a slow machine does not cause timeouts in this test."""
    monkeypatch.setattr(store, "DATABASE_TIMEOUT", 20)


def outcome(given):
    try:
        return record(given).outcome
    finally:
        connection.close()


@only_postgresql
@pytest.mark.django_db(transaction=True)
def test_callback_whose_id_is_refused_does_not_affect_others(instance, patient):
    """It waits with others."""
    twice = delivery({"status": "SENT"}, "twice")
    record(twice)
    early, late = (
        [delivery({"status": "READ"}, f"{when} {place}") for place in range(2)]
        for when in ("early", "late")
    )
    with ThreadPoolExecutor(8) as pool:
        with locked():
            outcomes = [pool.submit(outcome, one) for one in early]
            outcomes += [pool.submit(outcome, one) for one in (*late, twice)]
        assert {future.result() for future in outcomes} == {"applied"}
    assert Message.objects.count() == 1 + 4
    assert not Callback.objects.filter(outcome="quarantined").exists()


@only_postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("before", [0, 3])
def test_locked_message_does_not_delay_others(instance, patient, before):
    """The other messages are written while the locked one waits, at any position in the batch."""
    record(delivery({"status": "SENT"}, "locked"))
    blocked = [delivery({"status": "READ"}, "locked") for _ in range(2)]
    free = [delivery({"status": "READ"}, f"free {place}") for place in range(6)]
    with ThreadPoolExecutor(8) as pool:
        with locked("SELECT 1 FROM whatsapp_message WHERE zapi_id = 'locked' FOR UPDATE"):
            written = [pool.submit(outcome, one) for one in free[:before]]
            waiting = [pool.submit(outcome, one) for one in blocked]
            written += [pool.submit(outcome, one) for one in free[before:]]
            assert {future.result(60) for future in written} == {"applied"}
            assert not any(future.done() for future in waiting)
        assert sorted(future.result(60) for future in waiting) == ["applied", "repeated"]
