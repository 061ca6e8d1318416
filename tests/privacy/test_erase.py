"""One person's data in every table: find, export, erase, and keep erased."""

import io
import json
import sqlite3
import threading
import zipfile
from contextlib import closing
from datetime import timedelta

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.utils import timezone

from messages import labels
from messages.accounts.encrypted_addresses import encrypt_address
from messages.ingest import Period, drain, rebuild, replay
from messages.jobs.follow_ups import follow_up
from messages.models import (
    Action,
    Alias,
    AuditEvent,
    Callback,
    Erasure,
    FollowUp,
    Forward,
    Incident,
    Instance,
    KnownAddress,
    Label,
    Message,
    OtherAddress,
    SavedView,
    SpooledCallback,
    StatusEvent,
)
from messages.privacy import continue_erasures, export, find, find_person, request_erasure
from messages.privacy.tables import TABLES, UNSEARCHABLE, WITHOUT_PERSONAL_DATA

PHONE, OLD_FORM, LID = "5544999999999", "554499999999", "123456789012345@lid"
OTHER = "5511988887777"
GROUP = "120363000000000000-group"


def status(word="READ", phone=PHONE, ids=("M",), **more):
    payload = {"type": "MessageStatusCallback", "status": word, "ids": list(ids), "phone": phone}
    return payload | {"momment": 1632234645000} | more


def in_group(participant, word="READ", **more):
    return status(word, GROUP, ("G",), isGroup=True, participant=participant, **more)


def erase(text=PHONE):
    erasure = request_erasure(find_person(text), None)
    continue_erasures()
    return Erasure.objects.get(pk=erasure.pk)


def all_stored_text() -> str:
    """Every row of every table and the spool as text, with decoded bytes."""
    rows = []
    for model in apps.get_app_config("whatsapp").get_models():
        if model is SpooledCallback:
            continue
        for row in model._default_manager.values():
            rows += [bytes(v) if isinstance(v, memoryview) else v for v in row.values()]
    return " ".join(map(repr, rows))


@pytest.fixture
def forwarding(instance):
    """Turn forwarding on, so that the queue also contains bodies."""
    return instance.webhooks.create(
        kind="message-status", forward_to="https://x.example/", pushed_url="x"
    )


def test_every_model_is_listed_with_or_without_personal_data():
    models = {model.__name__ for model in apps.get_app_config("whatsapp").get_models()}
    holding = {table.model.__name__ for table in TABLES.values()}
    assert models == holding | WITHOUT_PERSONAL_DATA | UNSEARCHABLE
    assert not holding & WITHOUT_PERSONAL_DATA


def test_erasure_leaves_no_trace_in_any_table(post, forwarding, instance, support):
    post(status("SENT", OLD_FORM))
    post(status("READ", LID))
    post(in_group(PHONE))
    follow_up()
    post(status("READ"))
    post(b'{"phone": "5544999999999", broken')
    Alias.objects.get_or_create(instance=instance, lid=LID, number=PHONE)
    Label.objects.create(
        instance=instance, zapi_id="M", label="for 5544999999999", updated_at=timezone.now()
    )
    SavedView.objects.create(user=support, name="V", query="q=%2B55+44+9999-9999")
    SavedView.objects.create(user=support, name="for +55 (44) 99999-9999", query="status=read")
    recipient = encrypt_address(OLD_FORM)
    SavedView.objects.create(user=support, name="W", query=f"recipient={recipient}", shared=True)
    SavedView.objects.create(user=support, name="failed", query="status=failed")
    Incident.objects.create(
        kind="silent", note=f"asked {PHONE}", opened_at=timezone.now(), last_seen_at=timezone.now()
    )
    assert Forward.objects.exists()
    assert FollowUp.objects.exists()
    erase()
    assert [view.name for view in SavedView.objects.all()] == ["failed"]
    stored = all_stored_text()
    for secret in (PHONE, OLD_FORM, LID, LID.removesuffix("@lid")):
        assert secret not in stored


def test_erasure_keeps_other_peoples_data(post):
    post(status())
    post(status(phone=OTHER, ids=["N"]))
    before = list(Message.objects.filter(phone=OTHER).values())
    erase()
    assert list(Message.objects.values()) == before
    assert StatusEvent.objects.count() == 1
    assert Callback.objects.filter(outcome="applied").count() == 1


def test_erasure_in_a_group_removes_one_participant_only(post):
    post(in_group(PHONE))
    post(in_group(OTHER))
    erase()
    message = Message.objects.get()
    assert message.phone == GROUP
    assert [event.participant for event in message.events.all()] == [OTHER]


def test_erasure_keeps_a_shared_message_id_of_another_person(post):
    post(status("SENT"))
    post(status("READ", OTHER))
    follow_up()
    erase()
    message = Message.objects.get()
    assert message.phone == OTHER
    assert not OtherAddress.objects.filter(phone=PHONE).exists()


def test_erasure_removes_the_number_from_a_group_message(post):
    post(status(isGroup=True))
    assert erase().finished_at
    assert Message.objects.get().phone == ""
    assert PHONE not in all_stored_text()


def test_erased_callback_keeps_its_row(post):
    post(status())
    erase()
    callback = Callback.objects.get()
    assert (callback.outcome, bytes(callback.body)) == ("erased", b"")


def test_second_erasure_finds_nothing(post):
    post(status())
    erase()
    before = all_stored_text().count("erased")
    assert not sum(erase().erased.values())
    assert before


def test_stopped_erasure_continues(post):
    for number in range(3):
        post(status(ids=[f"M{number}"]))
    erasure = request_erasure(find_person(PHONE), None)
    stop = threading.Event()
    stop.set()
    assert continue_erasures(stop) == 0
    assert Message.objects.exists()
    assert continue_erasures() == 1
    assert not Message.objects.exists()
    assert Erasure.objects.get(pk=erasure.pk).finished_at


def test_unreadable_erasure_does_not_block_the_next(post):
    Erasure.objects.create(subject="no list of names", people=[])
    post(status())
    erase()
    assert PHONE not in all_stored_text()


def test_finished_erasure_does_not_store_the_person(post):
    post(status())
    erasure = erase()
    assert not erasure.subject
    assert PHONE not in json.dumps(erasure.people)


def test_late_callback_of_an_erased_message_is_erased(post, forwarding):
    post(status("SENT"))
    follow_up()
    erase()
    post(status("READ", OLD_FORM))
    follow_up()
    assert not Message.objects.exists()
    assert not StatusEvent.objects.exists()
    assert not Forward.objects.exists()
    assert PHONE not in all_stored_text()
    assert OLD_FORM not in all_stored_text()


def test_late_callback_of_an_erased_participant_is_erased(post):
    post(in_group(PHONE, "RECEIVED"))
    erase()
    post(in_group(PHONE, "READ"))
    post(in_group(OTHER, "READ"))
    follow_up()
    assert [event.participant for event in StatusEvent.objects.all()] == [OTHER]


def test_message_sent_after_the_erasure_is_kept(post):
    post(status("SENT"))
    follow_up()
    erase()
    post(status("SENT", ids=["NEW"]))
    follow_up()
    assert [message.zapi_id for message in Message.objects.all()] == ["NEW"]


def test_address_with_a_new_message_is_found_again(post):
    post(status("SENT"))
    erase()
    post(status("SENT", ids=["NEW"]))
    post(status("READ"))
    follow_up()
    assert [known.address for known in KnownAddress.objects.all()] == [PHONE]


def test_callback_from_another_servers_spool_is_erased(post, away):
    away(True)
    post(status())
    spooled = list(SpooledCallback.objects.all())
    away(False)
    erase()
    assert not SpooledCallback.objects.exists()
    SpooledCallback.objects.bulk_create(spooled)
    drain()
    follow_up()
    assert not Message.objects.exists()


def test_spool_of_this_server_is_erased(post, away):
    away(True)
    post(status())
    post(status(phone=OTHER))
    away(False)
    erase()
    assert [OTHER in bytes(row.body).decode() for row in SpooledCallback.objects.all()] == [True]


class TestASpoolThatCannotBeUsed:
    @pytest.fixture
    def broken(self, spool_path):
        spool_path.parent.mkdir()
        spool_path.write_bytes(b"something else altogether" * 400)

    def test_erasure_stays_open_until_the_spool_is_readable(self, post, away, spool_path):
        away(True)
        post(status())
        away(False)
        post(status())
        with closing(sqlite3.connect(spool_path, isolation_level=None)) as other_program:
            other_program.execute("BEGIN IMMEDIATE")
            erasure = erase()
        assert (erasure.only_spool_left, erasure.finished_at) == (True, None)
        assert not Message.objects.exists()
        assert continue_erasures() == 1
        assert not SpooledCallback.objects.exists()

    def test_next_attempt_erases_only_the_spool(self, post, broken):
        erase()
        post(status(ids=["NEW"]))
        continue_erasures()
        assert Message.objects.exists()

    def test_unreadable_spool_does_not_block_other_erasures(self, post, broken):
        Erasure.objects.create(subject=json.dumps([OTHER]), people=[], only_spool_left=True)
        post(status())
        erase()
        assert not Message.objects.exists()

    def test_command_reports_an_unfinished_erasure(self, broken):
        with pytest.raises(CommandError, match="did not finish"):
            call_command("privacy", "erase", PHONE, "--yes")

    def test_export_without_the_spool_fails(self, broken, tmp_path):
        path = tmp_path / "person.zip"
        with pytest.raises(CommandError, match="Cannot read the spool"):
            call_command("privacy", "export", PHONE, "--output", str(path))
        assert not path.exists()


def test_missing_spool_file_is_not_created(post, spool_path):
    assert find(find_person(PHONE)).spool_problem == ""
    assert erase().finished_at
    assert not spool_path.parent.exists()


def test_rebuild_after_an_erasure_restores_nothing(post):
    post(status())
    post(status(phone=OTHER, ids=["N"]))
    erase()
    now = timezone.now()
    rebuild(Period(now - timedelta(days=1), now + timedelta(days=1)), Instance.objects.all())
    assert [message.zapi_id for message in Message.objects.all()] == ["N"]


def test_replay_after_an_erasure_restores_nothing(post):
    post(status() | {"instanceId": "somebody.else"})
    erase()
    assert replay(Callback.objects.all()).tried == 0


def test_erasure_is_audited_by_hash(post):
    post(status())
    erase()
    events = AuditEvent.objects.filter(action=Action.PERSON_ERASED)
    assert events.count() == 2
    assert len({event.recipient for event in events}) == 1
    assert PHONE not in str(list(events.values()))


def test_find_counts_each_table(post):
    post(status())
    post(in_group(PHONE))
    counts = find(find_person(PHONE)).counts
    assert (counts["messages"], counts["events"], counts["callbacks"]) == (1, 2, 2)


def test_find_stops_at_its_time_limit(post):
    post(status())
    assert not find(find_person(PHONE), within=0).is_complete


def test_export_contains_every_table(post):
    post(status())
    post(status(phone=OTHER, ids=["N"]))
    file = io.BytesIO()
    export(find_person(PHONE), file, by=None)
    with zipfile.ZipFile(file) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert set(texts) == {f"{name}.json" for name in ("about", "messages", "events", "callbacks")}
    assert json.loads(texts["events.json"])[0]["status"] == "READ"
    assert "MessageStatusCallback" in texts["callbacks.json"]
    assert OTHER not in "".join(texts.values())


def test_erasure_deletes_labels_of_the_messages(post, instance):
    post(status())
    label = {"instance": instance, "reference": "Order 7", "updated_at": timezone.now()}
    Label.objects.create(zapi_id="M", **label)
    Label.objects.create(zapi_id="N", **label)
    assert find(find_person(PHONE)).counts["labels"] == 1
    assert erase().erased["labels"] == 1
    assert [left.zapi_id for left in Label.objects.all()] == ["N"]


@pytest.mark.parametrize("name", ["M", "NEVER HEARD OF"])
def test_number_with_separators_is_found_in_labels_and_notes(post, instance, name):
    post(status(phone=OTHER))
    words, now = "Refers to +55 (44) 99999\u20119999, urgent", timezone.now()
    Label.objects.create(instance=instance, zapi_id=name, label=words, updated_at=now)
    Incident.objects.create(kind="silent", note=words, opened_at=now, last_seen_at=now)
    counts = find(find_person(PHONE)).counts
    assert (counts["labels"], counts["incidents"]) == (1, 1)
    erase()
    assert not Label.objects.exists()
    assert Incident.objects.get().note == ""


def test_digits_within_a_longer_text_are_not_the_number(instance):
    words = "5544 of 99999, and 9999"
    Label.objects.create(instance=instance, zapi_id="N", label=words, updated_at=timezone.now())
    erase()
    assert Label.objects.exists()


def test_erasure_deletes_a_label_by_zapi_id(post, instance):
    post({"type": "DeliveryCallback", "messageId": "M", "zaapId": "Z", "phone": PHONE})
    Label.objects.create(instance=instance, zapi_id="Z", label="L", updated_at=timezone.now())
    assert find(find_person(PHONE)).counts["labels"] == 1
    erase()
    assert not Label.objects.exists()


class TestLabelsPutAfterwards:
    @pytest.fixture
    def put(self, instance, admin_user):
        def write(*names):
            entries = [labels.Entry(instance.zapi_id, name, "", "Order 7") for name in names]
            return labels.label(entries, by=admin_user, announces=True)

        return write

    def test_label_for_an_erased_message_is_refused_by_either_id(self, post, put):
        post({"type": "DeliveryCallback", "messageId": "M", "zaapId": "Z", "phone": PHONE})
        erase()
        assert put("M", "Z", "NEW") == 1
        assert [label.zapi_id for label in Label.objects.all()] == ["NEW"]

    def test_label_for_a_shared_message_is_kept(self, post, put):
        post(status())
        erase()
        post(status(phone=OTHER))
        assert put("M") == 1

    def test_label_for_a_group_message_is_kept(self, post, put):
        post(in_group(PHONE))
        erase()
        assert put("G") == 1


def test_export_contains_no_secret(post):
    post(status(token="a-sending-credential"), HTTP_Z_API_TOKEN="token-of-the-instance")
    file = io.BytesIO()
    export(find_person(PHONE), file, by=None)
    with zipfile.ZipFile(file) as archive:
        text = "".join(archive.read(name).decode() for name in archive.namelist())
    assert "a-sending-credential" not in text
    assert "token-of-the-instance" not in text


class TestCommand:
    def run(self, *arguments):
        out = io.StringIO()
        call_command("privacy", *arguments, stdout=out)
        return out.getvalue()

    def test_find_prints_counts(self, post):
        post(status())
        found = json.loads(self.run("find", "+55 44 99999-9999", "--json"))
        assert found["rows"]["messages"] == 1

    def test_export_does_not_overwrite_a_file(self, post, tmp_path):
        post(status())
        path = tmp_path / "person.zip"
        self.run("export", PHONE, "--output", str(path))
        assert zipfile.is_zipfile(path)
        with pytest.raises(CommandError, match="Cannot write"):
            self.run("export", PHONE, "--output", str(path))

    def test_erase_deletes_and_prints_counts(self, post):
        post(status())
        assert json.loads(self.run("erase", PHONE, "--yes", "--json"))["rows"]["messages"] == 1
        assert not Message.objects.exists()

    def test_erase_asks_for_confirmation(self, post, monkeypatch):
        post(status())
        monkeypatch.setattr("builtins.input", lambda _: "yes")
        with pytest.raises(CommandError, match="Nothing was erased"):
            self.run("erase", PHONE)
        assert Message.objects.exists()

    def test_ambiguous_person_is_an_error(self, db):
        with pytest.raises(CommandError, match="country code"):
            self.run("find", "99")
