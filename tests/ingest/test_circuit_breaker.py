"""The circuit breaker: only the first callers wait for an unavailable database."""

import threading

import pytest
from django.db import OperationalError, connection, transaction

from messages.ingest import store
from messages.ingest.circuit_breaker import CircuitBreaker
from messages.ingest.service import breaker
from messages.models import FollowUp
from tests.waiting import wait_until


class Patient:
    """A dependency whose probe fails until it is marked healthy."""

    def __init__(self):
        self.is_well = False
        self.asked_by = []

    def probe(self):
        self.asked_by.append(threading.current_thread())
        if not self.is_well:
            raise OSError


@pytest.fixture
def patient():
    return Patient()


class TestBreaker:
    def test_new_breaker_is_closed_and_does_not_probe(self, patient):
        assert not CircuitBreaker(patient.probe, every=0.01).is_open
        assert not patient.asked_by

    def test_breaker_stays_open_until_a_probe_succeeds(self, patient):
        tested = CircuitBreaker(patient.probe, every=0.01)
        tested.open()
        wait_until(lambda: len(patient.asked_by) > 2, "it is not probed")
        assert tested.is_open
        patient.is_well = True
        wait_until(lambda: not tested.is_open, "it stays open")

    def test_breaker_probes_in_a_single_other_thread(self, patient):
        tested = CircuitBreaker(patient.probe, every=0.01)
        for _ in range(5):
            tested.open()
        wait_until(lambda: len(patient.asked_by) > 4, "it is not probed")
        tested.close()
        assert len(set(patient.asked_by)) == 1
        assert threading.current_thread() not in patient.asked_by

    def test_closed_breaker_can_open_again(self, patient):
        patient.is_well = True
        tested = CircuitBreaker(patient.probe, every=0.01)
        for _ in range(3):
            tested.open()
            wait_until(lambda: not tested.is_open, "it stays open")


def test_open_breaker_makes_no_queries(away, post, monkeypatch):
    away(True)
    post({"type": "DeliveryCallback", "messageId": "M"})
    assert breaker.is_open
    monkeypatch.setattr(store.backend(), "store", lambda entry: pytest.fail("asked"))
    assert post({"type": "DeliveryCallback", "messageId": "M"}).json() == {"outcome": "spooled"}


class TestProbe:
    def test_probe_of_a_healthy_database_stores_nothing(self, transactional_db):
        store.probe()
        assert not FollowUp.objects.exists()

    @pytest.mark.skipif("connection.vendor != 'postgresql'", reason="locks of PostgreSQL")
    def test_probe_does_not_wait_for_the_lock_of_a_migration(self, transactional_db):
        held, enough = threading.Event(), threading.Event()

        def migrate():
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("LOCK TABLE whatsapp_message IN ACCESS EXCLUSIVE MODE")
                held.set()
                enough.wait(120)
            connection.close()

        thread = threading.Thread(target=migrate)
        thread.start()
        try:
            assert held.wait(60)
            with pytest.raises(OperationalError):
                store.probe()
        finally:
            enough.set()
            thread.join()


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite prepares nothing")
def test_migration_with_open_connections_is_not_an_outage(transactional_db, post):
    payload = {"type": "MessageStatusCallback", "status": "SENT", "ids": ["M"]}
    post(payload)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE whatsapp_callback ALTER COLUMN outcome TYPE varchar(24)")
    try:
        assert post(payload | {"status": "READ"}).json() == {"outcome": "applied"}
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE whatsapp_callback ALTER COLUMN outcome TYPE varchar(16)")
