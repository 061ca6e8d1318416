"""The move from SQLite to PostgreSQL, also interrupted by SIGKILL."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from itertools import islice

import pytest

from tests.faults.conftest import KILLS, StartDoor
from tests.faults.door import Door
from tests.faults.load import EPOCH, Load, lives, send_all
from tests.faults.postgresql import Cluster
from tests.plugins.processes import ROOT

pytestmark = pytest.mark.faults

# As Z-API sends it: in microseconds.
READ_BY_US = {
    "type": "MessageStatusCallback",
    "status": "READ_BY_ME",
    "ids": ["M0"],
    "momment": EPOCH * 1000 + 123_456,
    "phone": "5544999999999",
}
COPIED = "SELECT count(*) FROM whatsapp_statusevent"


def start_move(door: Door, url: str, *more: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "manage.py", "move_to_postgresql", "--to", url, *more],
        cwd=ROOT,
        env=door.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def move(door: Door, url: str) -> tuple[int, str]:
    with start_move(door, url) as process:
        out, errors = process.communicate()
    return process.returncode, out + errors


def dump(door: Door) -> list[str]:
    """Every row, written by Django from its models."""
    return sorted(door.manage("dumpdata", "--format", "jsonl").splitlines())


def test_moved_database_has_every_row_and_accepts_callbacks(
    start_door: StartDoor, cluster: Cluster
):
    # Nothing listens on this port, so the worker calls no real Z-API.
    small = start_door(ZAPI_BASE_URL="http://127.0.0.1:9")
    webhook = small.add_instance("moved")
    send_all(webhook, [*islice(lives(), 30), READ_BY_US])
    small.manage("worker", "--once")
    small.stop()
    before = dump(small)
    status, told = move(small, cluster.url)
    assert status == 0, told
    assert dump(small) == before
    # In the same folder, so with the same secrets.
    large = start_door(cluster.url)
    assert dump(large) == before
    send_all(f"http://127.0.0.1:{large.port}/{webhook.split('/', 3)[3]}", islice(lives(10), 30))
    assert cluster.query("SELECT count(*) FROM whatsapp_message WHERE zapi_id = 'M19'") == [(1,)]
    assert large.in_spool() == 0


def test_killed_move_continues_where_it_stopped(start_door: StartDoor, cluster: Cluster):
    door = start_door()
    door.stop()
    door.manage("seed_history", "--messages", "6000", "--instances", "2")
    before = dump(door)
    for _ in range(KILLS):
        with start_move(door, cluster.url) as process:
            kill_after_batches(process, random.randint(1, 6))
    reached = cluster.query(COPIED)[0][0]
    status, told = move(door, cluster.url)
    assert status == 0, told
    total = door.query(COPIED)[0][0]
    if reached < total:
        assert f"Copying whatsapp_statusevent: {total - reached:,} …" in told
    door.environment["DATABASE_URL"] = cluster.url
    assert dump(door) == before


def kill_after_batches(process: "subprocess.Popen[str]", batches: int) -> None:
    assert process.stderr
    for _ in range(batches):
        assert process.stderr.readline().startswith("C"), "it ended before it was killed"
    os.killpg(process.pid, signal.SIGKILL)


def test_callbacks_during_a_move_are_stored_in_postgresql(start_door: StartDoor, cluster: Cluster):
    door = start_door()
    url = door.add_instance("faulty")
    with Load(url, lives(), connections=2, pause=0.1) as load:
        load.wait_for(30)
        with start_move(door, cluster.url, "--hold") as process:
            assert process.stdout
            assert process.stdout.readline().startswith("Copied and compared")
            load.wait_for(30)
            door.stop()
            load.give_up()
            process.communicate("\n")
    door.environment["DATABASE_URL"] = cluster.url
    while door.in_spool():
        door.manage("worker", "--only", "drain", "--once")
    steps = "SELECT m.zapi_id, e.status FROM whatsapp_statusevent e JOIN whatsapp_message m"
    found = set(cluster.query(f"{steps} ON m.id = e.message_id"))
    told = {(name, sent["status"]) for sent in load.acknowledged for name in sent["ids"]}
    assert told <= found


def test_target_with_other_data_is_refused(start_door: StartDoor, cluster: Cluster):
    large = start_door(cluster.url)
    large.add_instance("other")
    large.stop()
    small = start_door()
    status, told = move(small, cluster.url)
    assert status == 1
    assert "The target is not empty" in told
    assert cluster.query("SELECT zapi_id FROM whatsapp_instance") == [("other",)]


def test_source_changed_between_two_runs_is_reported(start_door: StartDoor, cluster: Cluster):
    door = start_door()
    door.stop()
    door.manage("seed_history", "--messages", "6000", "--instances", "2")
    with start_move(door, cluster.url) as process:
        kill_after_batches(process, 10)
    with closing(sqlite3.connect(door.folder / "statusboard.sqlite3")) as file, file:
        file.execute("UPDATE whatsapp_account SET name = 'Changed'")
    status, told = move(door, cluster.url)
    assert status == 1
    assert "whatsapp_account differs" in told
