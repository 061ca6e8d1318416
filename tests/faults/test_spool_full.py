"""A full spool during a database outage: callbacks get 503, and 2xx again automatically."""

import os
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.conftest import StartDoor, assert_nothing_was_lost
from tests.faults.load import Load, lives
from tests.faults.postgresql import Cluster
from tests.faults.test_database_away import stopped
from tests.waiting import wait_until

pytestmark = pytest.mark.faults

# Unknown JSON keys are ignored. This one makes callbacks large, to fill the disk quickly.
PADDING = {"padding": "x" * 60_000}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a disk of 8 MiB cannot be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def wait_until_refused(load):
    """Wait for the first 503; return all statuses seen so far."""
    seen: set[int] = set()

    def is_refused():
        seen.update(statuses(load.attempts()))
        return 503 in seen

    wait_until(is_refused, "nobody is ever refused")
    return seen


def assert_nothing_is_taken(load):
    """After pending requests are done, every response must be 503."""
    load.wait_for_attempts(16)
    load.attempts()
    load.wait_for_attempts(40)
    assert statuses(load.attempts()) == {503}


def statuses(attempts):
    return {attempt.status for attempt in attempts} - {0}


def test_full_spool_refuses_callbacks_and_is_drained_later(
    cluster: Cluster, start_door: StartDoor, small_disk: Path
):
    spool = small_disk / "spool.sqlite3"
    door = start_door(cluster.url, SPOOL_PATH=str(spool), SPOOL_MIN_FREE_MB="3")
    url = door.add_instance("faulty")
    with Load(url, (payload | PADDING for payload in lives())) as load:
        load.wait_for(10)
        with stopped(cluster, "fast"):
            assert wait_until_refused(load) <= {200, 503}
            assert_nothing_is_taken(load)
        load.wait_for(20)
    door.start_worker()
    assert_nothing_was_lost(door, load, cluster.query)


def test_drained_spool_accepts_callbacks_in_the_next_outage(
    cluster: Cluster, start_door: StartDoor, small_disk: Path
):
    spool = small_disk / "spool.sqlite3"
    door = start_door(cluster.url, SPOOL_PATH=str(spool), SPOOL_MIN_FREE_MB="3")
    url = door.add_instance("faulty")
    door.start_worker()
    began_at = time.time()
    for _ in range(2):
        with Load(url, (payload | PADDING for payload in lives())) as load:
            load.wait_for(10)
            with stopped(cluster, "fast"):
                assert wait_until_refused(load) == {200, 503}
                assert_nothing_is_taken(load)
            load.wait_for(20)
        wait_until(lambda: door.in_spool() == 0, "it is not drained", progress=door.in_spool)
    wait_until(lambda: spool.stat().st_size < 200_000, "the file stays large")
    # Each of the two processes may log one line per minute.
    minutes = time.time() // 60 - began_at // 60 + 1
    assert door.log().count("A callback was lost") <= 2 * minutes


def test_free_pages_of_the_spool_file_count_as_room(
    cluster: Cluster, start_door: StartDoor, small_disk: Path
):
    """This happens if a worker is killed after deleting rows and before releasing free pages."""
    spool = small_disk / "spool.sqlite3"
    door = start_door(cluster.url, SPOOL_PATH=str(spool), SPOOL_MIN_FREE_MB="3")
    url = door.add_instance("faulty")
    with stopped(cluster, "fast"), Load(url, (p | PADDING for p in lives())) as load:
        wait_until_refused(load)
        assert_nothing_is_taken(load)
        with closing(sqlite3.connect(spool, timeout=10)) as file, file:
            file.execute("PRAGMA secure_delete=FAST")  # same setting as in the worker
            file.execute("DELETE FROM whatsapp_spooledcallback")
        load.wait_for(5)


def test_spool_accepts_callbacks_when_the_disk_has_room_again(
    cluster: Cluster, start_door: StartDoor, small_disk: Path
):
    spool, ballast = small_disk / "spool.sqlite3", small_disk / "ballast"
    door = start_door(cluster.url, SPOOL_PATH=str(spool), SPOOL_MIN_FREE_MB="0")
    url = door.add_instance("faulty")
    with stopped(cluster, "fast"), Load(url, (p | PADDING for p in lives())) as load:
        load.wait_for(5)
        fill(ballast)
        wait_until_refused(load)
        assert_nothing_is_taken(load)
        ballast.unlink()
        load.wait_for(5)
    door.start_worker()
    assert_nothing_was_lost(door, load, cluster.query)


def fill(file):
    with file.open("wb", buffering=0) as ballast:
        try:
            while ballast.write(b"x" * 4096):
                pass
        except OSError:
            return


def test_spool_without_room_refuses_every_callback(cluster: Cluster, start_door: StartDoor):
    door = start_door(cluster.url, SPOOL_MIN_FREE_MB=str(2**40))
    with Load(door.add_instance("faulty"), lives()) as load:
        load.wait_for(10)
        with stopped(cluster, "fast"):
            wait_until_refused(load)
            assert_nothing_is_taken(load)
        load.wait_for(10)
    assert_nothing_was_lost(door, load, cluster.query)
