"""Many instances pushed by several workers, one of which is killed in the middle."""

import json
import os
import signal

import pytest

from messages.simulator.gateway import Gateway
from tests.faults.conftest import StartDoor
from tests.faults.postgresql import Cluster
from tests.plugins.zapi import serving
from tests.waiting import wait_until

pytestmark = pytest.mark.faults

MANY = 40
# Make the imported rows waiting again, to be pushed.
PUSH_ALL = """
UPDATE whatsapp_batchrow SET state = 'waiting', plan = 'push', next_try_at = '2020-01-01'"""
# Let the lease of the killed worker's row expire.
FREE = "UPDATE whatsapp_batchrow SET next_try_at = '2020-01-01' WHERE state = 'waiting'"


def push_many(start_door: StartDoor, cluster: Cluster, gateway: Gateway, url: str) -> None:
    door = start_door(
        cluster.url, ZAPI_BASE_URL=url, DEMO="on", PUBLIC_BASE_URL="http://board.example.com"
    )
    file = door.folder / "instances.csv"
    rows = "\n".join(f"Shop {number};Z{number};token" for number in range(MANY))
    file.write_text(f"name;id;token\n{rows}\n")
    door.manage("instances", "import", str(file))

    def waiting() -> int:
        sql = "SELECT count(*) FROM whatsapp_batchrow WHERE state = 'waiting'"
        return int(cluster.query(sql)[0][0])

    cluster.query(PUSH_ALL)
    for _ in range(2):
        door.start_worker("--only", "batches")
    wait_until(lambda: waiting() < MANY - 5, "no worker takes a row")
    os.kill(door._processes[-1].pid, signal.SIGKILL)
    wait_until(lambda: waiting() <= 1, "the other worker does not go on", progress=waiting)
    cluster.query(FREE)
    wait_until(lambda: waiting() == 0, "what the dead worker held is never done")
    listed = json.loads(door.manage("instances", "list", "--json"))
    assert [row["state"] for row in listed] == ["in sync"] * MANY
    assert all(len(one.urls) == 4 for one in gateway.instances.values())
    times = [call.path for call in gateway.calls if call.path.endswith("update-webhook-delivery")]
    assert MANY <= len(times) <= MANY + 1


def test_two_workers_with_one_killed_push_every_instance_once(
    cluster: Cluster, start_door: StartDoor
):
    gateway = Gateway(accepts_http=True)
    with serving(gateway) as server:
        push_many(start_door, cluster, gateway, server.url)
