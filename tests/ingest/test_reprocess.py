"""Replay of quarantined callbacks, and rebuild of messages from stored callbacks."""

import io
import json
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import DataError, connection
from django.db.models import F, Sum
from hypothesis import given, settings
from hypothesis import strategies as st

from messages.ingest import (
    Delivery,
    Period,
    RebuildRefusedError,
    new_delivery_id,
    rebuild,
    record,
    replay,
    store,
)
from messages.models import Callback, FollowUp, Instance, KnownAddress, Message, StatusEvent
from tests.ingest.test_merge_rules import ARRIVAL, EPOCH, callbacks, stored_rows
from tests.plugins.webhook import ZAPI_ID


def deliver(payload, arrival=ARRIVAL):
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    delivery = Delivery(new_delivery_id(), ZAPI_ID, 1, arrival, body)
    record(delivery)
    return Callback.objects.get(pk=delivery.id)


def status(word="READ", **more):
    payload = {"type": "MessageStatusCallback", "status": word, "ids": ["M"], "momment": EPOCH}
    return payload | more


@pytest.fixture
def misunderstood(monkeypatch):
    """Deliver a callback while our own reading of it is broken."""

    def deliver_misunderstood(payload, **more):
        with monkeypatch.context() as broken:
            broken.setattr("messages.ingest.entries.parse", lambda body: 1 / 0)
            return deliver(payload, **more)

    return deliver_misunderstood


class TestReplay:
    def test_replay_updates_the_quarantined_row(self, instance, misunderstood):
        before = misunderstood(status())
        assert (before.outcome, before.type) == ("quarantined", "")
        assert replay(Callback.objects.all()).outcomes == {"applied": 1}
        after = Callback.objects.get()
        assert (after.pk, after.received_at) == (before.pk, before.received_at)
        assert (after.outcome, after.type, after.cause) == ("applied", "MessageStatusCallback", "")
        assert (bytes(after.body), after.size) == (bytes(before.body), before.size)
        event = StatusEvent.objects.get()
        assert (event.callback_id, event.received_at) == (before.pk, before.received_at)
        assert Message.objects.get().status == "READ"

    def test_second_replay_does_nothing(self, instance, misunderstood):
        misunderstood(status())
        replay(Callback.objects.all())
        rows = list(StatusEvent.objects.values()), list(Message.objects.values())
        assert replay(Callback.objects.all()).tried == 0
        assert (list(StatusEvent.objects.values()), list(Message.objects.values())) == rows

    def test_replayed_duplicate_is_a_repeat(self, instance, misunderstood):
        deliver(status())
        misunderstood(status())
        assert replay(Callback.objects.all()).outcomes == {"repeated": 1}
        assert StatusEvent.objects.get().repeats == 1

    def test_replayed_callback_that_came_first_is_the_first_of_its_event(
        self, instance, misunderstood
    ):
        first = misunderstood(status(), arrival=ARRIVAL - timedelta(hours=1))
        deliver(status())
        replay(Callback.objects.all())
        event = StatusEvent.objects.get()
        assert (event.callback_id, event.received_at) == (first.pk, first.received_at)

    def test_replay_of_a_malformed_callback_keeps_it_with_its_cause(self, instance):
        callback = deliver(b"{")
        Callback.objects.update(cause="other", cause_values=["an older sentence"])
        result = replay(Callback.objects.all())
        assert (result.outcomes, result.left) == ({"quarantined": 1}, 1)
        callback.refresh_from_db()
        assert (callback.outcome, bytes(callback.body)) == ("quarantined", b"{")
        assert FollowUp.objects.count() == 1
        assert callback.cause == "not json"

    def test_misunderstood_inbound_message_keeps_no_body(self, instance, misunderstood):
        misunderstood({"type": "ReceivedCallback", "text": "private"})
        assert replay(Callback.objects.all()).outcomes == {}
        callback = Callback.objects.get()
        assert (bytes(callback.body), callback.size > 0) == (b"", True)

    def test_replayed_connection_callback_sets_the_state(self, instance, misunderstood):
        misunderstood({"type": "ConnectedCallback", "momment": EPOCH})
        replay(Callback.objects.all())
        instance.refresh_from_db()
        assert instance.connected is True

    def test_replay_ignores_retired_keys_archiving_and_tokens(self, instance, misunderstood):
        misunderstood(status())
        Instance.objects.update(
            archived_at=ARRIVAL, oldest_key_version=9, key_version=9, token_policy="enforce"
        )
        Callback.objects.update(token_check="differs")
        assert replay(Callback.objects.all()).outcomes == {"applied": 1}
        assert Callback.objects.get().token_check == "differs"

    def test_replayed_callback_is_followed_up(self, instance, misunderstood):
        callback = misunderstood(status())
        FollowUp.objects.all().delete()
        replay(Callback.objects.all())
        follow_up = FollowUp.objects.get()
        assert (follow_up.callback_id, follow_up.type) == (callback.pk, "MessageStatusCallback")

    def test_dry_replay_reports_outcomes_and_changes_nothing(self, instance, misunderstood):
        misunderstood(status())
        deliver(b"{")
        before = list(Callback.objects.order_by("id").values())
        assert replay(Callback.objects.all(), dry_run=True).outcomes == {
            "applied": 1,
            "quarantined": 1,
        }
        assert list(Callback.objects.order_by("id").values()) == before
        assert not Message.objects.exists()

    def test_replay_counts_callbacks_without_a_body(self, instance):
        deliver(b"{")
        Callback.objects.update(body=b"")
        result = replay(Callback.objects.all())
        assert (result.tried, result.without_body, result.left) == (0, 1, 1)

    def test_failing_callback_does_not_stop_the_replay(self, instance, misunderstood, monkeypatch):
        misunderstood(status(ids=["BAD"]))
        misunderstood(status())
        settle = store.backend().settle

        def fail_once(entry):
            if entry.status.message_ids == ("BAD",):
                raise DataError("invalid")
            return settle(entry)

        monkeypatch.setattr(store.backend(), "settle", fail_once)
        assert replay(Callback.objects.all()).outcomes == {"quarantined": 1, "applied": 1}


EVERYTHING = Period(ARRIVAL - timedelta(days=1), ARRIVAL + timedelta(days=1))
MESSAGE = [field.attname for field in Message._meta.concrete_fields]
EVENT = ["message__zapi_id"] + [
    field.attname
    for field in StatusEvent._meta.concrete_fields
    if field.attname not in ("id", "message_id")
]


def rows():
    return (
        list(Message.objects.order_by("zapi_id").values(*MESSAGE)),
        list(StatusEvent.objects.order_by(*EVENT).values(*EVENT)),
        list(Callback.objects.order_by("id").values()),
    )


def empty():
    for model in (FollowUp, StatusEvent, Message, Callback):
        model.objects.all().delete()


def live(history):
    """Store callbacks given as (payload, minutes). The id of each contains its arrival time."""
    empty()
    for payload, minutes in history:
        arrival = ARRIVAL + timedelta(minutes=minutes)
        key = uuid.UUID(int=int(arrival.timestamp() * 1000) << 80 | new_delivery_id().int % 2**80)
        record(Delivery(key, ZAPI_ID, 1, arrival, json.dumps(payload).encode()))


histories = st.lists(st.tuples(callbacks, st.integers(0, 9)), max_size=10)


class TestRebuild:
    @given(history=histories, bounds=st.tuples(st.integers(0, 9), st.integers(0, 10)))
    @settings(max_examples=30)
    def test_rebuild_gives_the_same_rows(self, instance, history, bounds):
        live(history)
        before = rows()
        since, until = (ARRIVAL + timedelta(minutes=minutes) for minutes in bounds)
        rebuild(Period(since, until), Instance.objects.all())
        assert rows() == before

    @given(history=histories)
    @settings(max_examples=20)
    def test_rebuild_corrects_wrongly_parsed_rows(self, instance, history):
        live(history)
        before = rows()
        Message.objects.update(rank=50, phone="wrong", read_at=ARRIVAL, inbound=False)
        StatusEvent.objects.update(repeats=7, status="PLAYED", received_at=ARRIVAL)
        rebuild(EVERYTHING, Instance.objects.all())
        assert rows() == before

    @given(history=histories)
    @settings(max_examples=20)
    def test_rebuild_into_empty_tables_gives_the_same_rows(self, instance, history):
        live(history)
        messages, (_, events, evidence) = stored_rows(), rows()
        empty()
        for row in evidence:
            record(Delivery(row["id"], ZAPI_ID, 1, row["received_at"], bytes(row["body"])))
        assert stored_rows() == messages
        assert rows()[1] == events

    def test_rebuild_restores_lost_messages(self, instance):
        deliver(status())
        deliver(status("RECEIVED"))
        before = stored_rows()
        Message.objects.all().delete()
        assert rebuild(EVERYTHING, Instance.objects.all()).messages == 1
        assert stored_rows() == before

    def test_rebuild_uses_callbacks_outside_the_period(self, instance):
        deliver(status("SENT"), arrival=ARRIVAL - timedelta(days=9))
        deliver(status("RECEIVED"))
        deliver(status("READ"), arrival=ARRIVAL + timedelta(days=9))
        before = rows()
        result = rebuild(EVERYTHING, Instance.objects.all())
        assert (result.messages, result.callbacks) == (1, 3)
        assert rows() == before

    def test_rebuild_deletes_a_message_without_callbacks(self, instance):
        callback = deliver(status())
        stray = Message.objects.get()
        stray.pk, stray.zapi_id = None, "misread"
        stray.save()
        StatusEvent.objects.update(message=stray, callback=callback)
        rebuild(EVERYTHING, Instance.objects.all())
        assert Message.objects.get().zapi_id == "M"
        assert StatusEvent.objects.get().message.zapi_id == "M"

    def test_rebuild_leaves_other_instances_unchanged(self, instance, account):
        other = Instance.objects.create(account=account, name="B", zapi_id="other")
        deliver(status())
        Message.objects.update(rank=10)
        rebuild(EVERYTHING, Instance.objects.filter(pk=other.pk))
        assert Message.objects.get().rank == 10

    def test_dry_rebuild_only_counts(self, instance):
        deliver(status())
        Message.objects.update(rank=10)
        result = rebuild(EVERYTHING, Instance.objects.all(), dry_run=True)
        assert (result.messages, result.callbacks) == (1, 1)
        assert Message.objects.get().rank == 10

    def test_message_that_changes_during_a_rebuild_is_tried_again(self, instance, monkeypatch):
        deliver(status("SENT"))
        lock = Message.objects.lock

        def interrupted(messages):
            monkeypatch.undo()
            deliver(status("READ"))
            return lock(messages)

        monkeypatch.setattr(Message.objects, "lock", interrupted)
        rebuild(EVERYTHING, Instance.objects.all())
        assert Message.objects.get().status == "READ"
        assert [event.repeats for event in StatusEvent.objects.all()] == [0, 0]

    @pytest.mark.parametrize("is_known", [True, False])
    def test_message_that_keeps_changing_is_rebuilt_locked(self, instance, monkeypatch, is_known):
        deliver(status("SENT"))
        before = stored_rows()
        if not is_known:
            Message.objects.all().delete()
        monkeypatch.setattr(sys.modules["messages.ingest.rebuild"], "ROUNDS", 0)
        rebuild(EVERYTHING, Instance.objects.all())
        assert stored_rows() == before

    def test_failure_during_a_rebuild_loses_nothing(self, instance, monkeypatch):
        deliver(status())
        before = rows()
        monkeypatch.setattr(store.backend(), "derive", lambda entry, instance_id: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            rebuild(EVERYTHING, Instance.objects.all())
        assert rows() == before


class TestRebuildIsRefused:
    @pytest.fixture(autouse=True)
    def evidence(self, instance):
        deliver(status("SENT"), arrival=ARRIVAL - timedelta(days=9))
        deliver(status("READ"))
        Message.objects.update(rank=10)

    def refusal(self):
        before = rows()
        with pytest.raises(RebuildRefusedError) as caught:
            rebuild(EVERYTHING, Instance.objects.all())
        assert rows() == before
        return str(caught.value)

    def test_rebuild_with_a_missing_callback_is_refused(self):
        Callback.objects.latest("id").delete()
        assert "1 callbacks of these messages were purged" in self.refusal()

    def test_rebuild_with_a_missing_callback_outside_the_period_is_refused(self):
        Callback.objects.earliest("id").delete()
        assert "Nothing was changed" in self.refusal()

    @pytest.mark.parametrize("place", [0, 1])
    def test_rebuild_with_a_purged_body_is_refused(self, place):
        callback = Callback.objects.order_by("id")[place]
        Callback.objects.filter(pk=callback.pk).update(body=b"")
        assert "Nothing was changed" in self.refusal()

    def test_rebuild_with_a_callback_that_no_longer_parses_is_refused(self):
        Callback.objects.update(body=b"{")
        assert "was parsed earlier but now fails" in self.refusal()


class TestTheCommand:
    def run(self, *arguments):
        output = io.StringIO()
        call_command("reprocess", *arguments, stdout=output, stderr=io.StringIO())
        return output.getvalue()

    def test_command_replays_the_quarantine(self, instance, misunderstood):
        misunderstood(status())
        assert json.loads(self.run("--json")) == {
            "applied": 1,
            "without body": 0,
            "dry_run": False,
        }
        assert "Reprocessed 0 quarantined callbacks" in self.run()

    @pytest.mark.parametrize(
        "bounds",
        [["--since", "2026-11-23"], ["--until", "2026-11-22T09:14"], ["--since=2027-01-01"]],
    )
    def test_command_replays_only_the_given_period(self, instance, misunderstood, bounds):
        misunderstood(status())
        assert "Reprocessed 0" in self.run(*bounds)

    def test_command_replays_only_the_given_instance(self, instance, misunderstood):
        misunderstood(status())
        Instance.objects.create(account=instance.account, name="B", zapi_id="other")
        assert "Reprocessed 0" in self.run("--instance", "other")
        assert "Reprocessed 1" in self.run("--instance", str(instance.pk))

    def test_strict_command_fails_if_some_are_left(self, instance):
        deliver(b"{")
        self.run()
        with pytest.raises(CommandError, match="1 callbacks remain in quarantine"):
            self.run("--strict")

    def test_command_rebuilds(self, instance):
        deliver(status(phone="5544999999999"))
        Message.objects.update(rank=10)
        said = self.run("--rebuild", "--since", "2026-11-22", "--until", "2026-11-23")
        assert said == "Rebuilt: 1 messages, 1 callbacks.\n"
        assert Message.objects.get().status == "READ"
        assert KnownAddress.objects.get().address == "5544999999999"

    def test_dry_command_says_so(self, instance):
        deliver(status())
        said = self.run("--rebuild", "--since=2026-11-22", "--until=2026-11-23", "--dry-run")
        assert said == "Rebuilt: 1 messages, 1 callbacks. (nothing was changed)\n"

    def test_command_says_why_it_refuses(self, instance):
        deliver(status())
        Callback.objects.all().delete()
        with pytest.raises(CommandError, match="were purged"):
            self.run("--rebuild", "--since=2026-11-22", "--until=2026-11-23")

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (["--instance", "nobody"], "No instance nobody"),
            (["--rebuild"], "--rebuild needs --since"),
            (["--since", "yesterday"], "yesterday is not a time such as 2026-11-22T09:00"),
            (["--rebuild", "--all-quarantined"], "not allowed with"),
        ],
    )
    def test_command_explains_wrong_arguments(self, instance, arguments, sentence):
        with pytest.raises(CommandError, match=sentence):
            self.run(*arguments)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
def test_callbacks_that_arrive_during_a_rebuild_count_once(instance):
    words = ["SENT", "RECEIVED", "READ"] * 20

    def send(ids):
        try:
            return [deliver(status(word, ids=ids)).outcome for word in words]
        finally:
            connection.close()

    with ThreadPoolExecutor() as pool:
        senders = [pool.submit(send, ids) for ids in (["B", "a"], ["a", "B", "C"], ["D", "a"])]
        while not all(sender.done() for sender in senders):
            rebuild(EVERYTHING, Instance.objects.all())
    assert {outcome for sender in senders for outcome in sender.result()} == {"applied", "repeated"}
    copies = StatusEvent.objects.aggregate(all=Sum(F("repeats") + 1))
    assert copies["all"] == len(words) * (2 + 3 + 2)
    before = rows()
    rebuild(EVERYTHING, Instance.objects.all())
    assert rows() == before
