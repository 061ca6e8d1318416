"""During an outage, callbacks are on disk before the answer, and later take effect exactly once."""

import json
import shutil
import sqlite3
import threading
from datetime import UTC, datetime

import pytest
from django.core.management import call_command
from django.db import OperationalError, connections

from messages.ingest import Delivery, drain, new_delivery_id, record, spool, store
from messages.ingest.service import breaker
from messages.ingest.spool import SpoolUnavailableError
from messages.models import Callback, Message, SpooledCallback, StatusEvent
from tests.plugins.webhook import ZAPI_ID

ARRIVAL = datetime(2026, 11, 22, 9, 14, tzinfo=UTC)
SENT = {"type": "MessageStatusCallback", "status": "SENT", "ids": ["M"], "momment": 1632234645000}


def delivery(body=None, *, zapi_id=ZAPI_ID, version=1, token_digest=""):
    content = body if isinstance(body, bytes) else json.dumps(body or SENT).encode()
    return Delivery(new_delivery_id(), zapi_id, version, ARRIVAL, content, token_digest)


def on_disk(path):
    """Read the spool file with another SQLite connection."""
    with sqlite3.connect(path) as file:
        return file.execute("SELECT count(*) FROM whatsapp_spooledcallback").fetchone()[0]


def form_of(path):
    """The columns of the spool table and of its indexes."""
    table = ["whatsapp_spooledcallback"]
    columns = "SELECT name, type, [notnull], pk FROM pragma_table_info(?)"
    indexes = "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ?"
    with sqlite3.connect(path) as file:
        return [set(file.execute(question, table).fetchall()) for question in (columns, indexes)]


class TestKeeping:
    def test_callback_is_on_disk_before_the_answer(self, away, post, spool_path):
        away(True)
        answer = post(SENT)
        assert (answer.status, answer.json()) == (200, {"outcome": "spooled"})
        assert on_disk(spool_path) == 1

    def test_write_is_synced(self, spool_path):
        spool.keep(delivery())
        with connections["spool"].cursor() as cursor:
            cursor.execute("PRAGMA synchronous")
            assert cursor.fetchone() == (2,)
            cursor.execute("PRAGMA journal_mode")
            assert cursor.fetchone() == ("wal",)

    def test_malformed_body_is_spooled(self, away, post, spool_path):
        away(True)
        assert post(b"{").status == 200
        away(False)
        drain()
        callback = Callback.objects.get()
        assert (callback.outcome, bytes(callback.body)) == ("quarantined", b"{")

    def test_same_delivery_is_spooled_once(self, spool_path):
        same = delivery()
        spool.keep(same)
        spool.keep(same)
        assert on_disk(spool_path) == 1

    @pytest.mark.parametrize("gone", ["file", "folder", "table"])
    def test_spool_recovers_from_lost_files(self, spool_path, gone):
        spool.keep(delivery())
        if gone == "file":
            spool_path.unlink()
        elif gone == "folder":
            shutil.rmtree(spool_path.parent)
        else:
            spool_path.unlink()
            sqlite3.connect(spool_path).close()
        spool.keep(delivery())
        assert on_disk(spool_path) == 1

    def test_replaced_file_is_used(self, spool_path, tmp_path):
        spool.keep(delivery())
        spool_path.rename(tmp_path / "moved")
        spool.keep(delivery())
        assert on_disk(spool_path) == 1

    def test_threads_without_a_file_all_keep_their_callbacks(self, spool_path):
        def keep():
            spool.keep(delivery())
            connections["spool"].close()

        threads = [threading.Thread(target=keep) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert on_disk(spool_path) == 8

    def test_spool_table_exists_only_in_the_spool(self, spool_path):
        spool.prepare()
        of_spool = connections["spool"].introspection.table_names()
        of_default = connections["default"].introspection.table_names()
        assert set(of_spool) == {"django_migrations", "whatsapp_spooledcallback"}
        assert "whatsapp_spooledcallback" not in of_default

    def test_spool_table_matches_the_migrations(self, spool_path):
        spool.prepare()
        made = form_of(spool_path)
        spool_path.unlink()
        connections["spool"].close()
        call_command("migrate", database="spool", verbosity=0)
        assert made == form_of(spool_path)

    def test_migrate_on_a_new_spool_does_nothing(self, spool_path):
        spool.prepare()
        call_command("migrate", database="spool", verbosity=0)
        spool.keep(delivery())


class TestNeither:
    def test_full_disk_is_answered_503(self, away, post, settings):
        settings.SPOOL_MIN_FREE = 2**62
        away(True)
        answer = post(SENT)
        assert (answer.status, answer.headers["Retry-After"]) == (503, "10")

    def test_disk_with_room_again_is_answered_200(self, away, post, settings):
        settings.SPOOL_MIN_FREE = 2**62
        away(True)
        assert post(SENT).status == 503
        settings.SPOOL_MIN_FREE = 0
        assert post(SENT).status == 200

    def test_file_that_is_not_a_database_is_answered_503(self, spool_path):
        spool_path.parent.mkdir()
        spool_path.write_bytes(b"something else altogether" * 400)
        with pytest.raises(SpoolUnavailableError):
            spool.keep(delivery())
        assert spool.state().problem

    def test_folder_that_cannot_be_created_is_answered_503(self, spool_path):
        spool_path.parent.write_text("a file where a folder should be")
        with pytest.raises(SpoolUnavailableError):
            spool.keep(delivery())


class TestDraining:
    def test_drained_callbacks_give_the_same_rows(self, away, post, instance):
        away(True)
        assert post(SENT | {"status": "READ"}).json() == {"outcome": "spooled"}
        assert post(SENT).json() == {"outcome": "spooled"}
        away(False)
        assert drain() == 2
        assert spool.state() == spool.SpoolState()
        assert Message.objects.get().status == "READ"
        assert StatusEvent.objects.count() == 2

    def test_drained_delivery_keeps_its_id_and_time(self, away, instance):
        away(True)
        spooled = delivery()
        record(spooled)
        away(False)
        drain()
        callback = Callback.objects.get()
        assert (callback.pk, callback.received_at) == (spooled.id, spooled.received_at)

    def test_commit_whose_answer_was_lost_counts_once(self, away, instance, monkeypatch):
        really_store = store.backend().store

        def store_and_lose_the_answer(entry):
            really_store(entry)
            raise OperationalError("server closed the connection unexpectedly")

        monkeypatch.setattr(store.backend(), "store", store_and_lose_the_answer)
        assert record(delivery()).outcome in ("applied", "spooled")
        away(False)
        drain()
        assert spool.state().waiting == 0
        assert Callback.objects.count() == 1
        assert StatusEvent.objects.get().repeats == 0

    def test_drain_killed_before_deleting_counts_once(self, away, instance, monkeypatch):
        away(True)
        record(delivery())
        away(False)
        with monkeypatch.context() as patched:
            patched.setattr(spool, "forget", lambda ids: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                drain()
        assert spool.state().waiting == 1
        assert drain() == 1
        assert (Callback.objects.count(), StatusEvent.objects.get().repeats) == (1, 0)

    def test_drain_during_an_outage_keeps_everything(self, away, instance):
        away(True)
        record(delivery())
        assert drain() == 0
        assert spool.state().waiting == 1

    def test_drain_creates_a_missing_spool(self, spool_path):
        assert drain() == 0
        assert on_disk(spool_path) == 0


def test_reading_the_state_creates_nothing(spool_path):
    assert spool.state() == spool.SpoolState()
    assert not spool_path.parent.exists()


class TestRefused:
    @pytest.mark.parametrize(
        ("change", "cause"),
        [
            ({"zapi_id": "somebody.else"}, "no instance"),
            ({"archived_at": ARRIVAL}, "archived"),
            ({"oldest_key_version": 2, "key_version": 2}, "key retired"),
            ({"token_policy": "enforce"}, "wrong token"),
        ],
    )
    def test_refused_callback_is_set_aside(self, away, instance, change, cause):
        away(True)
        record(delivery(token_digest="of-another-token"))
        away(False)
        type(instance).objects.filter(pk=instance.pk).update(**change)
        assert drain() == 0
        state = spool.state()
        assert (state.waiting, state.refused) == (0, 1)
        assert SpooledCallback.objects.get().cause == cause

    def test_refused_callback_can_be_retried(self, away, instance, capsys):
        away(True)
        record(delivery(version=2))
        away(False)
        drain()
        type(instance).objects.update(key_version=2)
        call_command("spool", "--retry")
        assert "1 waiting" in capsys.readouterr().out
        assert drain() == 1

    def test_refused_callback_does_not_stop_others(self, away, instance):
        away(True)
        record(delivery(version=9))
        record(delivery())
        away(False)
        assert drain() == 1


class TestWhoseFault:
    """A callback that the database refuses does not mean that the database is unavailable."""

    def test_callback_that_fails_is_quarantined_and_the_breaker_stays_closed(
        self, instance, spool_path, monkeypatch
    ):
        real = store.backend().store

        def choke(entry):
            if entry.status:
                raise ValueError("our own mistake")
            return real(entry)

        monkeypatch.setattr(store.backend(), "store", choke)
        assert record(delivery()).outcome == "quarantined"
        assert not breaker.is_open

    def test_callback_that_fails_in_quarantine_is_spooled(self, instance, spool_path, monkeypatch):
        monkeypatch.setattr(store.backend(), "store", lambda entry: 1 / 0)
        assert record(delivery()).outcome == "spooled"
        assert not breaker.is_open
        assert drain() == 0
        assert spool.state().refused == 1
