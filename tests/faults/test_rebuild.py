"""SIGKILL during a rebuild: each message is either old or rebuilt. The rebuild can be repeated."""

import os
import random
import signal
import subprocess
import sys

import pytest

from tests.faults.conftest import KILLS, StartDoor
from tests.faults.load import EPOCH, send_all
from tests.faults.postgresql import Cluster
from tests.faults.timelines import timelines
from tests.plugins.processes import ROOT

pytestmark = pytest.mark.faults

CALLBACKS, IDS = 6, 400  # so that a rebuild takes a dozen transactions
REBUILD = [sys.executable, "manage.py", "reprocess", "--rebuild", "--since", "2020-01-01"]
# Wrong rows, as a parser with a bug would store them.
SPOIL = "UPDATE whatsapp_message SET rank = 0, read_at = NULL"
SPOILT = "SELECT count(*) FROM whatsapp_message WHERE rank = 0"


def told():
    for number in range(CALLBACKS):
        for step, status in enumerate(("SENT", "RECEIVED", "READ")):
            yield {
                "type": "MessageStatusCallback",
                "status": status,
                "ids": [f"M{number}-{place}" for place in range(IDS)],
                "momment": EPOCH + number * 1000 + step * 60_000,
                "phone": "5544999999999",
            }


def kill_while_rebuilding(door, query):
    send_all(door.add_instance("faulty"), told())
    clean = timelines(query, "faulty")
    assert len(clean.messages) == CALLBACKS * IDS
    for _ in range(KILLS):
        query(SPOIL)
        rebuild_until_killed(door, transactions=random.randint(1, 6))
        assert 0 < query(SPOILT)[0][0] < CALLBACKS * IDS
        assert timelines(query, "faulty").events == clean.events
    door.manage("reprocess", "--rebuild", "--since", "2020-01-01")
    assert timelines(query, "faulty") == clean


def rebuild_until_killed(door, transactions):
    process = subprocess.Popen(
        REBUILD,
        cwd=ROOT,
        env=door.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        assert process.stderr
        for _ in range(transactions):
            assert process.stderr.readline(), "it ended before it was killed"
        os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


def test_killed_rebuild_on_postgresql_can_be_repeated(cluster: Cluster, start_door: StartDoor):
    kill_while_rebuilding(start_door(cluster.url), cluster.query)


def test_killed_rebuild_on_sqlite_can_be_repeated(start_door: StartDoor):
    door = start_door()
    kill_while_rebuilding(door, door.query)
