"""That no worker runs: noticed by a page, told by its process, over once one is back."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from messages.incidents.detect import CLEAR_FOR, detect
from messages.incidents.incident_counts import incident_counts
from messages.incidents.worker_absence import ABSENT_AFTER
from messages.models import Incident, WorkerBeat
from messages.notifications.delivery_lines import notify
from messages.notifications.notification_queue import enqueue
from messages.notifications.worker_alarm import report_worker_problems, worker_alarm
from tests.dashboard.conftest import HttpsClient
from tests.forwarding.test_workers import on_postgresql
from tests.notifications.conftest import messages_of, turns


@pytest.fixture
def beat(db):
    """Of a worker that has been gone for long."""
    at = timezone.now() - timedelta(minutes=30)
    return WorkerBeat.objects.create(host="one", pid=7, started_at=at, beat_at=at)


# SQLite's database for tests lies in memory, where readers lock writers out.
@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_a_page_that_notices_has_the_channels_told_without_a_worker(
    beat, webhook, receiver, monkeypatch
):
    monkeypatch.setattr(incident_counts, "_began", -ABSENT_AFTER.total_seconds() * 1e6)
    incident_counts.refresh()
    worker_alarm.enable()
    client = HttpsClient()
    client.force_login(User.objects.create_user("ana"))
    assert "No worker is running" in client.get("/attention/banner/").content.decode()
    worker_alarm.wait()
    assert turns(messages_of(receiver)[0]) == [("no worker", "opened")]
    assert Incident.objects.get().opened_at == beat.beat_at


def test_it_is_told_once_however_many_notice(beat, webhook, receiver):
    for _ in range(3):
        report_worker_problems()
    assert len(receiver.received) == 1


def test_a_worker_that_is_back_tells_that_it_is_over(beat, webhook, receiver, clock):
    report_worker_problems()
    for minutes in (1, 2 + CLEAR_FOR.total_seconds() / 60):
        clock.advance(minutes=minutes)
        WorkerBeat.objects.update(beat_at=clock.now)
        detect(enqueue)
    clock.advance(minutes=10)
    notify()
    message = messages_of(receiver)[1]
    assert turns(message) == [("no worker", "resolved")]


def test_one_that_does_this_job_alone_leaves_it_open(beat, clock):
    report_worker_problems()
    for _ in range(2):
        detect(enqueue)
        clock.advance(minutes=6)
    assert Incident.objects.open().exists()


def test_a_worker_that_has_just_started_tells_of_no_missing_one(db):
    detect(enqueue)
    assert not Incident.objects.exists()
