"""SIGKILL a web process and the whole server under load."""

import pytest

from tests.faults.conftest import KILLS, StartDoor, assert_nothing_was_lost
from tests.faults.load import Load, lives
from tests.faults.postgresql import Cluster

pytestmark = pytest.mark.faults


def kill_under_load(door, query):
    with Load(door.add_instance("faulty"), lives()) as load:
        load.wait_for(50)
        for _ in range(KILLS):
            door.kill_a_worker()
            load.wait_for(100)
            door.kill_the_server()
            load.wait_for(100)
    assert_nothing_was_lost(door, load, query)


def test_killed_processes_on_postgresql_lose_no_callback(cluster: Cluster, start_door: StartDoor):
    door = start_door(cluster.url)
    door.start_worker()
    kill_under_load(door, cluster.query)


def test_killed_processes_on_sqlite_lose_no_callback(start_door: StartDoor):
    door = start_door()
    door.start_worker()
    kill_under_load(door, door.query)
