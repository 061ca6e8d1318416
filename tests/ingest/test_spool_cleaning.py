"""Drained callbacks are removed from the spool files, and their space is reused."""

import sqlite3
import threading
from contextlib import closing

import pytest
from django.db import connections

from messages.ingest import drain, spool
from messages.models import Callback, SpooledCallback
from messages.webhooks import views

PHONE = "5544999887701"


@pytest.fixture
def spooled(away, post):
    """Spool `count` callbacks of about `size` bytes each while the database is unavailable."""

    def keep(number: int, size: int = 200) -> None:
        away(True)
        for index in range(number):
            callback = {
                "type": "MessageStatusCallback",
                "status": "SENT",
                "ids": [f"M{index}"],
                "phone": PHONE,
                "padding": PHONE * (size // len(PHONE)),
            }
            assert post(callback).status == 200
        away(False)

    return keep


def traces(spool_path) -> dict[str, int]:
    """Count the occurrences of the number in each spool file."""
    files = spool_path.parent.iterdir()
    return {one.name: found for one in files if (found := one.read_bytes().count(PHONE.encode()))}


@pytest.mark.parametrize(
    ("number", "size"), [(1, 200), (3, 200), (9, 300), (150, 300), (20, 60_000)]
)
def test_drained_spool_contains_no_phone_number(spooled, spool_path, number, size):
    spooled(number, size)
    assert traces(spool_path)
    assert drain() == number
    assert traces(spool_path) == {}
    assert Callback.objects.count() == number


def test_drained_spool_is_small(spooled, spool_path):
    spooled(40, 60_000)
    assert spool_path.stat().st_size > 1_500_000
    drain()
    files = [one for one in spool_path.parent.iterdir() if one.name.startswith(spool_path.name)]
    assert sum(one.stat().st_size for one in files) < 100_000


def test_cleaning_keeps_refused_callbacks_only(spooled, post, spool_path):
    spooled(30, 2_000)
    for row in SpooledCallback.objects.order_by("pk")[::10]:
        SpooledCallback.objects.filter(pk=row.pk).update(cause="set aside", body=b"kept")
    drain()
    assert spool.state().refused == 3
    assert {bytes(row.body) for row in SpooledCallback.objects.all()} == {b"kept"}
    assert traces(spool_path) == {}


def test_reader_delays_the_cleaning(spooled, spool_path):
    spooled(20, 2_000)
    with closing(sqlite3.connect(spool_path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM whatsapp_spooledcallback").fetchone()
        assert drain() == 20
        reader.execute("ROLLBACK")
    drain()
    assert traces(spool_path) == {}


def test_rows_deleted_by_another_worker_are_cleaned(spooled, spool_path):
    spooled(20, 2_000)
    with closing(sqlite3.connect(spool_path)) as other, other:
        other.execute("DELETE FROM whatsapp_spooledcallback")
    drain()
    assert traces(spool_path) == {}


def test_callback_that_arrives_during_cleaning_is_kept(spooled, spool_path, away, post):
    spooled(30, 20_000)
    stop = threading.Event()

    def clean():
        while not stop.is_set():
            spool.clean()
        connections["spool"].close()

    cleaning = threading.Thread(target=clean)
    cleaning.start()
    try:
        spooled(30)
    finally:
        stop.set()
        cleaning.join()
    assert spool.state().waiting == 60
    assert drain() == 60


def test_lost_callbacks_are_logged_once_a_minute(away, post, settings, caplog):
    views.sparse_logger.last_written.clear()
    settings.SPOOL_MIN_FREE = 2**62
    away(True)
    for _ in range(50):
        assert post({"type": "MessageStatusCallback"}).status == 503
    lines = [one.getMessage() for one in caplog.records if one.levelname == "ERROR"]
    assert len(lines) == 1
    assert "A callback was not stored" in lines[0]
