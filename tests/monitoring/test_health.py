"""/healthz and /readyz, through the real WSGI application."""

import io
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from messages.ingest import first_id_at, new_delivery_id, received_at_of, spool_state
from messages.ingest.service import breaker
from messages.jobs.heartbeat import Heartbeat
from messages.models import WorkerBeat
from statusboard.wsgi import webhook_application
from tests.conftest import call


@pytest.fixture
def worker(spool_path):
    Heartbeat([]).beat()


def test_health_asks_no_database(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = call("/healthz")
    assert (answer.status, answer.body) == (200, b"ok\n")


def test_health_is_answered_while_the_database_is_away(db):
    breaker.open()
    assert call("/healthz").status == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_no_check_is_redirected_to_https(client, db, path):
    assert client.get(path, secure=False, headers={"host": "127.0.0.1"}).status_code != 301


def test_a_door_of_its_own_has_the_checks_too(db):
    answers = []
    environ = {"PATH_INFO": "/healthz", "REQUEST_METHOD": "GET", "wsgi.input": io.BytesIO()}
    list(webhook_application(environ, lambda status, *_: answers.append(status)))
    assert answers == ["200 OK"]


def test_a_board_that_works_is_ready(worker):
    answer = call("/readyz")
    assert (answer.status, answer.json()) == (200, {"ready": True, "failing": {}})


def test_a_database_that_is_away_is_named(worker):
    breaker.open()
    answer = call("/readyz")
    assert answer.status == 503
    assert list(answer.json()["failing"]) == ["database"]


def test_what_the_database_says_stays_in_the_log(db, monkeypatch, caplog):
    def refuse(*_):
        raise OperationalError("connection to 10.0.0.7 refused, user statusboard")

    with monkeypatch.context() as broken:
        broken.setattr(connection, "cursor", refuse)
        broken.setattr(connection, "close", lambda: None)
        answer = call("/readyz")
    assert answer.status == 503
    assert b"10.0.0.7" not in answer.body
    assert "10.0.0.7" in caplog.text


def test_a_spool_that_cannot_be_read_is_named(spool_path, worker):
    spool_path.parent.mkdir(exist_ok=True)
    spool_path.write_text("this is no database, whatever else it may be" * 99)
    assert call("/readyz").json()["failing"] == {"spool": "cannot be read"}


def test_a_full_disk_is_named(worker, settings):
    settings.SPOOL_MIN_FREE = 2**60
    assert call("/readyz").json()["failing"] == {"spool": "disk full"}


def test_a_board_without_a_worker_is_not_ready(spool_path):
    assert list(call("/readyz").json()["failing"]) == ["worker"]


def test_a_worker_that_fell_silent_is_named(worker):
    WorkerBeat.objects.update(beat_at=timezone.now() - timedelta(minutes=2))
    assert list(call("/readyz").json()["failing"]) == ["worker"]


def test_a_worker_that_only_drains_is_not_enough(worker):
    WorkerBeat.objects.update(only="drain")
    assert call("/readyz").status == 503


def test_an_id_tells_when_it_was_given():
    given = new_delivery_id()
    assert abs(received_at_of(given) - timezone.now()) < timedelta(seconds=5)
    assert first_id_at(received_at_of(given)) <= given


def test_ready_repeats_the_last_answer_while_it_is_being_checked(worker, db, monkeypatch):
    """Strangers who ask without a pause hold no thread while the database does not answer."""
    first = call("/readyz")
    meanwhile = []

    def ask_again():
        meanwhile.append(call("/readyz"))
        return spool_state()

    monkeypatch.setattr("messages.monitoring.readiness.spool_state", ask_again)
    call("/readyz")
    assert [answer.body for answer in meanwhile] == [first.body]
