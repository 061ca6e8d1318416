"""Heartbeats and shared jobs."""

from datetime import timedelta

import pytest
from django.utils import timezone

from messages.jobs.heartbeat import Heartbeat, delete_old_heartbeats
from messages.jobs.scheduler import Job, run_due
from messages.models import JobLease, WorkerBeat

# The scheduler closes connections that are in a transaction when a job begins.
pytestmark = pytest.mark.django_db(transaction=True)


def broken() -> int:
    raise RuntimeError("the-token-that-it-held")


def test_heartbeat_records_the_state_of_jobs():
    jobs = [Job("good", lambda: 1, every=1), Job("bad", broken, every=1)]
    run_due(jobs, now=0.0)
    Heartbeat(jobs).beat()
    told = WorkerBeat.objects.get().jobs
    assert told["good"]["ran_at"]
    assert told["bad"]["problem"] == "RuntimeError"
    assert told["bad"]["ran_at"] == ""


def test_worker_has_one_heartbeat_row(clock):
    heart = Heartbeat([])
    heart.beat()
    clock.advance(seconds=5)
    heart.beat()
    beat = WorkerBeat.objects.get()
    assert (beat.beat_at - beat.started_at).total_seconds() == 5


def test_stopping_worker_records_its_stop():
    heart = Heartbeat([])
    heart.beat()
    heart.stop()
    assert WorkerBeat.objects.gone(since=timezone.now()).count() == 0


def test_old_heartbeats_are_deleted(clock):
    Heartbeat([]).beat()
    clock.advance(days=8)
    Heartbeat([]).beat()
    assert delete_old_heartbeats() == 1


def test_shared_job_runs_once_per_interval(clock):
    done = []

    def work_of(worker: int) -> Job:
        def run() -> int:
            done.append(worker)
            return 1

        return Job("shared", run, every=30, shared=True)

    job, same_elsewhere = work_of(1), work_of(2)
    run_due([job, same_elsewhere], now=0.0)
    assert done == [1]
    clock.advance(seconds=31)
    run_due([same_elsewhere, job], now=100.0)
    assert done == [1, 2]


def test_unavailable_job_lease_writes_nothing(django_assert_num_queries):
    assert JobLease.objects.acquire("job", timedelta(seconds=30))
    with django_assert_num_queries(1):
        assert not JobLease.objects.acquire("job", timedelta(seconds=30))
    assert JobLease.objects.count() == 1
