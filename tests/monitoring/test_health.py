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
from tests.plugins.webhook import call


@pytest.fixture
def worker(spool_path):
    Heartbeat([]).beat()


def test_healthz_does_not_use_the_database(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = call("/healthz")
    assert (answer.status, answer.body) == (200, b"ok\n")


def test_healthz_answers_while_the_database_is_unavailable(db):
    breaker.open()
    assert call("/healthz").status == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_checks_are_not_redirected_to_https(client, db, path):
    assert client.get(path, secure=False, headers={"host": "127.0.0.1"}).status_code != 301


def test_webhook_application_serves_the_checks(db):
    answers = []
    environ = {"PATH_INFO": "/healthz", "REQUEST_METHOD": "GET", "wsgi.input": io.BytesIO()}
    list(webhook_application(environ, lambda status, *_: answers.append(status)))
    assert answers == ["200 OK"]


def test_working_system_is_ready(worker):
    answer = call("/readyz")
    assert (answer.status, answer.json()) == (200, {"ready": True, "failing": {}})


def test_readyz_names_an_unavailable_database(worker):
    breaker.open()
    answer = call("/readyz")
    assert answer.status == 503
    assert list(answer.json()["failing"]) == ["database"]


def test_readyz_logs_but_hides_the_database_error(db, monkeypatch, caplog):
    def refuse(*_):
        raise OperationalError("connection to 10.0.0.7 refused, user statusboard")

    with monkeypatch.context() as broken:
        broken.setattr(connection, "cursor", refuse)
        broken.setattr(connection, "close", lambda: None)
        answer = call("/readyz")
    assert answer.status == 503
    assert b"10.0.0.7" not in answer.body
    assert "10.0.0.7" in caplog.text


def test_readyz_names_an_unreadable_spool(spool_path, worker):
    spool_path.parent.mkdir(exist_ok=True)
    spool_path.write_text("this is no database, whatever else it may be" * 99)
    assert call("/readyz").json()["failing"] == {"spool": "cannot be read"}


def test_readyz_names_a_full_disk(worker, settings):
    settings.SPOOL_MIN_FREE = 2**60
    assert call("/readyz").json()["failing"] == {"spool": "disk full"}


def test_readyz_without_a_worker_fails(spool_path):
    assert list(call("/readyz").json()["failing"]) == ["worker"]


def test_readyz_names_a_missing_heartbeat(worker):
    WorkerBeat.objects.update(beat_at=timezone.now() - timedelta(minutes=2))
    assert list(call("/readyz").json()["failing"]) == ["worker"]


def test_readyz_with_a_worker_that_only_drains_fails(worker):
    WorkerBeat.objects.update(only="drain")
    assert call("/readyz").status == 503


def test_callback_id_contains_its_time():
    given = new_delivery_id()
    assert abs(received_at_of(given) - timezone.now()) < timedelta(seconds=5)
    assert first_id_at(received_at_of(given)) <= given


def test_readyz_repeats_the_last_result_during_a_check(worker, db, monkeypatch):
    """A second request gets the last result.

    So clients cannot block all threads during an outage.
    """
    first = call("/readyz")
    meanwhile = []

    def ask_again():
        meanwhile.append(call("/readyz"))
        return spool_state()

    monkeypatch.setattr("messages.monitoring.readiness.spool_state", ask_again)
    call("/readyz")
    assert [answer.body for answer in meanwhile] == [first.body]
