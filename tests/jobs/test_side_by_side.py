"""Several worker processes on one database: no notification is lost or repeated."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from messages.models import (
    Channel,
    ChannelKind,
    Incident,
    Instance,
    JobLease,
    Notification,
    WorkerBeat,
)
from tests.forwarding.test_workers import on_postgresql
from tests.plugins.processes import ROOT
from tests.plugins.receiver import Receiver, Reply
from tests.waiting import wait_until

pytestmark = [pytest.mark.processes, on_postgresql]

Process = subprocess.Popen[bytes]
# Nothing listens there, so a request for the queue fails at once.
NO_LISTENER = "http://127.0.0.1:1"


@pytest.fixture
def start_worker(
    transactional_db: None, data_dir: Path, tmp_path: Path
) -> Iterator[Callable[[], Process]]:
    environment = os.environ | {
        "DATABASE_URL": "postgres://{USER}@{HOST}:{PORT}/{NAME}".format(**connection.settings_dict),
        "FORWARD_ALLOW_PRIVATE": "on",
        "ZAPI_BASE_URL": NO_LISTENER,
        "DATA_DIR": str(data_dir),
    }
    log = (tmp_path / "workers.log").open("wb")
    workers: list[Process] = []

    def start() -> Process:
        command = [sys.executable, "manage.py", "worker"]
        workers.append(subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log))
        return workers[-1]

    yield start
    for worker in workers:
        worker.kill()
        worker.wait()
    log.close()


@pytest.fixture
def disconnected(transactional_db: None, instance: Instance) -> int:
    """Disconnected instances."""
    number = 30
    for count in range(number):
        Instance.objects.create(
            account=instance.account,
            name=f"N{count}",
            zapi_id=f"id-{count}",
            connected=False,
            connection_changed_at=timezone.now() - timedelta(hours=1),
        )
    return number


@pytest.fixture
def channel(transactional_db: None, receiver: Receiver) -> Channel:
    return Channel.objects.create(
        name="hook",
        kind=ChannelKind.WEBHOOK,
        address=receiver.url,
        secret="a-secret-that-the-receiver-knows",
        kinds=["disconnected"],
        pause=0,
    )


def all_delivered(number: int) -> bool:
    return Notification.objects.filter(state="told").count() == number


def delivery_counts(receiver: Receiver) -> Counter[int]:
    """How often each incident was sent, without copies of the same delivery."""
    by_id = {received.delivery: json.loads(received.body) for received in receiver.received}
    return Counter(one["id"] for message in by_id.values() for one in message["incidents"])


def test_three_workers_notify_each_incident_once(start_worker, disconnected, channel, receiver):
    for _ in range(3):
        start_worker()
    wait_until(lambda: all_delivered(disconnected), "not all was told")
    # Make every job due again for all workers.
    JobLease.objects.filter(job="watch").update(due_at=timezone.now())
    watched = JobLease.objects.filter(job="watch", due_at__gt=timezone.now())
    wait_until(watched.exists, "nobody looked again")
    assert Incident.objects.count() == disconnected
    assert set(delivery_counts(receiver).values()) == {1}


def test_killed_worker_loses_and_repeats_no_notification(
    start_worker, disconnected, channel, receiver
):
    receiver.reply = Reply(delay=0.5)
    worker = start_worker()
    receiver.wait_for(1)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    receiver.reply = Reply()
    # As if the leases of the dead worker had expired.
    Channel.objects.update(next_at=timezone.now())
    JobLease.objects.update(due_at=timezone.now())
    start_worker()
    wait_until(lambda: all_delivered(disconnected), "not all was told")
    assert Incident.objects.count() == disconnected
    assert set(delivery_counts(receiver).values()) == {1}


def test_killed_worker_is_reported_and_stopped_worker_is_not(start_worker):
    killed, stopped = start_worker(), start_worker()
    wait_until(lambda: WorkerBeat.objects.count() == 2, "no beat")
    killed.send_signal(signal.SIGKILL)
    stopped.send_signal(signal.SIGTERM)
    assert stopped.wait(30) == 0
    gone = WorkerBeat.objects.gone(since=timezone.now())
    assert [beat.pid for beat in gone] == [killed.pid]
