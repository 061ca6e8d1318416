"""A job that does not run although its worker is alive is reported."""

import pytest

from messages.incidents.detect import detect
from messages.jobs.heartbeat import Heartbeat
from messages.jobs.scheduler import Job, run_due
from messages.models import Incident
from messages.notifications.notification_queue import enqueue
from messages.notifications.worker_alarm import report_worker_problems
from tests.plugins.notifications import messages_of, turns
from tests.plugins.webhook import call

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("local_receivers"),
]


def broken() -> int:
    raise RuntimeError


@pytest.fixture
def worker(clock):
    """Its job `watch` ran once, then failed for 15 minutes; `purge` runs."""
    jobs = [Job("watch", lambda: 1, every=30), Job("purge", lambda: 1, every=60)]
    heart = Heartbeat(jobs)
    run_due(jobs, now=0.0)
    jobs[0].run = broken
    clock.advance(minutes=15)
    run_due(jobs, now=900.0)
    heart.beat()
    return heart


def test_readyz_names_the_overdue_job(worker, spool_path):
    answer = call("/readyz")
    assert answer.status == 503
    assert answer.json()["failing"] == {"jobs": "overdue: watch"}


def test_job_with_one_missed_run_is_not_overdue(clock, spool_path):
    jobs = [Job("watch", lambda: 1, every=30)]
    run_due(jobs, now=0.0)
    clock.advance(minutes=5)
    Heartbeat(jobs).beat()
    assert call("/readyz").status == 200


def test_new_worker_has_no_overdue_job(clock, spool_path):
    Heartbeat([Job("watch", lambda: 1, every=30)]).beat()
    assert call("/readyz").status == 200


def test_overdue_job_opens_an_incident_and_notifies(worker, webhook, receiver):
    detect(enqueue)
    incident = Incident.objects.get()
    assert (incident.kind, incident.place) == ("job", "watch")


def test_web_process_reports_an_overdue_detection_job(worker, webhook, receiver):
    report_worker_problems()
    told = messages_of(receiver)[0]
    assert turns(told) == [("job", "opened")]
    assert (told["incidents"][0]["job"], told["incidents"][0]["machine"]) == ("watch", None)
    assert told["subject"] == "watch: A worker job is overdue"


def test_metrics_show_the_last_run_of_each_job(worker, settings, spool_path):
    settings.METRICS_ON, settings.METRICS_TOKEN = True, "a-token-of-the-metrics"
    token = f"Bearer {settings.METRICS_TOKEN}"
    text = call("/metrics", HTTP_AUTHORIZATION=token).body.decode()
    assert 'statusboard_job_last_run_seconds{job="watch"} 900.0' in text
    assert 'statusboard_job_overdue{job="watch"} 1.0' in text
    assert 'statusboard_job_overdue{job="purge"} 0.0' in text


def test_running_job_is_not_overdue(clock, spool_path):
    job = Job("export", lambda: 1, every=1)
    heart = Heartbeat([job])

    def take_an_hour() -> int:
        clock.advance(hours=1)
        heart.beat()
        return call("/readyz").status

    job.run = take_an_hour
    assert run_due([job], now=0.0) == 200
