"""A webhook key is rotated under load, while callbacks arrive at the old and the new URL."""

import random
from urllib.parse import urlsplit

import pytest

from messages.simulator.gateway import Gateway
from tests.faults.conftest import ROUNDS, StartDoor, assert_nothing_was_lost
from tests.faults.door import Door
from tests.faults.load import Attempt, Load, lives
from tests.faults.postgresql import Cluster
from tests.plugins.zapi import serving

pytestmark = pytest.mark.faults


class Zapi(Load):
    """Call a random URL among all that were pushed so far."""

    def __init__(self, door: Door, gateway: Gateway) -> None:
        super().__init__(f"http://127.0.0.1:{door.port}/", lives())
        self._pushed = gateway.instances["faulty"].urls
        self.seen: set[str] = set()

    def _post(self, body: bytes) -> Attempt:
        self.seen.update(self._pushed.values())
        # All threads share the URL. That is fine, because each choice was pushed before.
        self._url = self._url._replace(path=urlsplit(random.choice(sorted(self.seen))).path)
        return super()._post(body)


def rotate_under_load(start_door: StartDoor, database_url: str = "") -> tuple[Door, Zapi]:
    gateway = Gateway(accepts_http=True)
    with serving(gateway) as server:
        door = start_door(
            database_url,
            ZAPI_BASE_URL=server.url,
            DEMO="on",
            PUBLIC_BASE_URL="http://board.example.com",
        )
        door.add_instance("faulty")
        door.manage("instances", "push", "faulty")
        with Zapi(door, gateway) as load:
            for _ in range(2 * ROUNDS):
                load.wait_for(100)
                door.manage("instances", "rotate", "faulty")
            load.wait_for(100)
    assert len(load.seen) == 2 * ROUNDS + 1
    assert {attempt.status for attempt in load.attempts()} == {200}
    return door, load


def test_rotation_under_load_on_postgresql_loses_no_callback(
    cluster: Cluster, start_door: StartDoor
):
    door, load = rotate_under_load(start_door, cluster.url)
    assert_nothing_was_lost(door, load, cluster.query)


def test_rotation_under_load_on_sqlite_loses_no_callback(start_door: StartDoor):
    door, load = rotate_under_load(start_door)
    assert_nothing_was_lost(door, load, door.query)
