"""The web process reports a missing worker and its return."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from messages.incidents.detect import CLEAR_FOR, detect
from messages.incidents.incident_counts import incident_counts
from messages.incidents.overdue import ABSENT_AFTER
from messages.models import Incident, WorkerBeat
from messages.notifications.delivery_lines import notify
from messages.notifications.notification_queue import enqueue
from messages.notifications.worker_alarm import report_worker_problems, worker_alarm
from tests.forwarding.test_workers import on_postgresql
from tests.plugins.notifications import messages_of, turns
from tests.plugins.pages import HttpsClient


@pytest.fixture
def old_heartbeat(db):
    """The last heartbeat of a worker that stopped 30 minutes ago."""
    at = timezone.now() - timedelta(minutes=30)
    return WorkerBeat.objects.create(host="one", pid=7, started_at=at, beat_at=at)


# SQLite's test database is in memory, where readers block writers.
@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_page_notifies_channels_of_a_missing_worker(old_heartbeat, webhook, receiver, monkeypatch):
    monkeypatch.setattr(incident_counts, "began", -ABSENT_AFTER.total_seconds() * 1e6)
    incident_counts.refresh()
    worker_alarm.enable()
    client = HttpsClient()
    client.force_login(User.objects.create_user("ana"))
    assert "No worker is running" in client.get("/attention/banner/").content.decode()
    worker_alarm.wait()
    assert turns(messages_of(receiver)[0]) == [("no worker", "opened")]
    assert Incident.objects.get().opened_at == old_heartbeat.beat_at


def test_missing_worker_is_notified_once(old_heartbeat, webhook, receiver):
    for _ in range(3):
        report_worker_problems()
    assert len(receiver.received) == 1


def test_returned_worker_notifies_the_resolution(old_heartbeat, webhook, receiver, clock):
    report_worker_problems()
    for minutes in (1, 2 + CLEAR_FOR.total_seconds() / 60):
        clock.advance(minutes=minutes)
        WorkerBeat.objects.update(beat_at=clock.now)
        detect(enqueue)
    clock.advance(minutes=10)
    notify()
    message = messages_of(receiver)[1]
    assert turns(message) == [("no worker", "resolved")]


def test_detection_without_a_new_heartbeat_does_not_resolve_the_incident(old_heartbeat, clock):
    report_worker_problems()
    for _ in range(2):
        detect(enqueue)
        clock.advance(minutes=6)
    assert Incident.objects.open().exists()


def test_new_worker_reports_no_missing_worker(db):
    detect(enqueue)
    assert not Incident.objects.exists()
