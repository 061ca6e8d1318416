"""The move from SQLite to PostgreSQL, with the commands of docs/operator.md."""

import gzip
from itertools import islice
from pathlib import Path

import pytest

from tests.faults.conftest import StartDoor
from tests.faults.door import Door
from tests.faults.load import EPOCH, lives, send_all
from tests.faults.postgresql import Cluster

pytestmark = pytest.mark.faults

# As Z-API sends it: in microseconds.
READ_BY_US = {
    "type": "MessageStatusCallback",
    "status": "READ_BY_ME",
    "ids": ["M0"],
    "momment": EPOCH * 1000 + 123_456,
    "phone": "5544999999999",
}


def dump(door: Door, name: str) -> Path:
    file = door.folder / name
    without = ("contenttypes", "auth.permission", "sessions", "usersessions")
    excluded = [word for app in without for word in ("--exclude", app)]
    door.manage(
        *("dumpdata", "--format", "jsonl", "--natural-foreign", *excluded, "--output", str(file))
    )
    return file


def rows(file: Path) -> list[str]:
    with gzip.open(file, "rt") as lines:
        return sorted(lines)


def test_move_to_postgresql_keeps_every_row_and_accepts_callbacks(
    start_door: StartDoor, cluster: Cluster
):
    # Nothing listens on this port, so the worker calls no real Z-API.
    small = start_door(ZAPI_BASE_URL="http://127.0.0.1:9")
    webhook = small.add_instance("moved")
    send_all(webhook, [*islice(lives(), 30), READ_BY_US])
    small.manage("worker", "--once")
    small.stop()
    dumped = dump(small, "statusboard.jsonl.gz")
    # In the same folder, so with the same secrets.
    large = start_door(cluster.url)
    large.manage("loaddata", str(dumped))
    assert rows(dump(large, "again.jsonl.gz")) == rows(dumped)
    send_all(f"http://127.0.0.1:{large.port}/{webhook.split('/', 3)[3]}", islice(lives(10), 30))
    assert cluster.query("SELECT count(*) FROM whatsapp_message WHERE zapi_id = 'M19'") == [(1,)]
    assert large.in_spool() == 0
