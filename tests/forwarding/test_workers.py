"""Several worker processes on a real database, some of them killed."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from django.db import connection
from django.utils import timezone

from messages.forwarding.line_leases import BATCH_SIZE
from messages.models import FollowUp, Forward, ForwardLine, Instance, WebhookKind
from messages.net.http_client import WHOLE_TIMEOUT
from tests.plugins.forwarding import forwarding, status, store
from tests.plugins.processes import ROOT
from tests.plugins.receiver import Receiver, Reply, receiving
from tests.waiting import wait_until

pytestmark = pytest.mark.processes

Process = subprocess.Popen[bytes]
DELIVERY = b'{"type":"DeliveryCallback","messageId":"M%d","phone":"55"}'

on_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="other processes cannot see a database in memory"
)


@pytest.fixture
def start_worker(
    transactional_db: None, data_dir: Path, tmp_path: Path
) -> Iterator[Callable[[], Process]]:
    database = connection.settings_dict
    environment = os.environ | {
        "DATABASE_URL": "postgres://{USER}@{HOST}:{PORT}/{NAME}".format(**database),
        "FORWARD_ALLOW_PRIVATE": "on",
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
    assert "Traceback" not in (tmp_path / "workers.log").read_text()


def until_all_is_forwarded() -> None:
    wait_until(
        lambda: not FollowUp.objects.exists() and not Forward.objects.exists(),
        "callbacks still wait",
        progress=Forward.objects.count,
    )


def times_received(receiver: Receiver) -> Counter[str]:
    return Counter(received.delivery for received in receiver.received)


@pytest.fixture
def sent(transactional_db: None, instance: Instance, receiver: Receiver) -> list[str]:
    """The ids of callbacks that wait in three lines of one receiver."""
    forwarding(instance, receiver.url)
    forwarding(instance, receiver.url, WebhookKind.DELIVERY)
    other = Instance.objects.create(account=instance.account, name="Vendas", zapi_id="other")
    forwarding(other, receiver.url)
    statuses = [status(number) for number in range(150)]
    deliveries = [DELIVERY % number for number in range(150)]
    return store(instance, *statuses, *deliveries) + store(other, *statuses)


@on_postgresql
def test_two_workers_forward_each_callback_once(start_worker, sent, receiver):
    receiver.reply = Reply(delay=0.002)
    start_worker()
    start_worker()
    until_all_is_forwarded()
    assert times_received(receiver) == Counter(sent)


@on_postgresql
def test_killed_worker_loses_no_callback(start_worker, sent, receiver):
    receiver.reply = Reply(delay=0.005)
    for _ in range(3):
        enough = len(receiver.received) + 70
        worker = start_worker()
        receiver.wait_for(enough)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        # Let the leases of the killed worker expire.
        ForwardLine.objects.update(next_try_at=timezone.now())
    start_worker()
    until_all_is_forwarded()
    times = times_received(receiver)
    assert set(times) == set(sent)
    assert times.total() - len(sent) <= 3 * 3 * BATCH_SIZE


@on_postgresql
def test_stopping_worker_saves_deliveries(start_worker, sent, receiver):
    receiver.reply = Reply(delay=0.02)
    worker = start_worker()
    receiver.wait_for(20)
    worker.terminate()
    assert worker.wait(60) == 0
    assert Forward.objects.count() == len(sent) - len(receiver.received)
    assert times_received(receiver).most_common(1)[0][1] == 1


@on_postgresql
def test_dead_receiver_does_not_delay_others_with_several_workers(start_worker, instance, receiver):
    with receiving() as dead:
        dead.reply = Reply(delay=30)
        forwarding(instance, dead.url)
        forwarding(instance, receiver.url, WebhookKind.DELIVERY)
        store(instance, status())
        start_worker()
        dead.wait_for(1)
        for number in range(5):
            store(instance, DELIVERY % number)
            receiver.wait_for(number + 1)
        # The first callback arrived before the dead receiver timed out.
        assert receiver.received[0].at < dead.received[0].at + WHOLE_TIMEOUT


SWITCH_ON = """
from messages.forwarding import set_forwarding
from messages.models import Instance, Webhook
webhook, _ = Webhook.objects.get_or_create(instance=Instance.objects.get(), kind="message-status")
set_forwarding(webhook, {url!r})
"""


def test_running_server_forwards_callback(start_board, receiver):
    board = start_board(FORWARD_ALLOW_PRIVATE="on")
    arguments = ("--name", "Loja", "--zapi-id", "instance.id", "--token", "t" * 32, "--no-push")
    added = board.manage("instances", "add", *arguments, "--json")
    assert board.manage("shell", "-c", SWITCH_ON.format(url=receiver.url)).returncode == 0
    headers = {"Content-Type": "application/json", "z-api-token": "t" * 32}
    webhook = json.loads(added.stdout)["webhook_url"]
    assert requests.post(webhook, status(), headers=headers, timeout=60).status_code == 200
    receiver.wait_for(1)
    assert receiver.bodies == [status()]
    assert "z-api-token" not in receiver.received[0].headers
