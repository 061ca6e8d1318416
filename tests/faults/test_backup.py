"""Backups of a running Statusboard, restored somewhere else; backups that are broken on purpose."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import StartDoor
from tests.faults.door import Door
from tests.faults.load import Load, lives
from tests.faults.postgresql import Cluster
from tests.faults.timelines import timelines
from tests.plugins.processes import ROOT
from tests.waiting import wait_until

pytestmark = pytest.mark.faults


def back_up_under_load(door: Door, archive: Path) -> list[dict[str, object]]:
    """Return the callbacks that were acknowledged before the backup began."""
    with Load(door.add_instance("faulty"), lives()) as load:
        load.wait_for(60)
        before = list(load.acknowledged)
        door.manage("backup", "--to", str(archive))
    return before


def test_backup_under_load_restores_into_another_postgresql_database(
    cluster: Cluster, start_door: StartDoor, tmp_path: Path
):
    door = start_door(cluster.url)
    before = back_up_under_load(door, tmp_path / "backup.tar")
    cluster.query("DROP DATABASE IF EXISTS another", database="postgres")
    cluster.query("CREATE DATABASE another", database="postgres")
    door.environment["DATABASE_URL"] = cluster.url.replace("/board", "/another")
    door.manage("restore", str(tmp_path / "backup.tar"))

    def query(sql: str) -> list[tuple[object, ...]]:
        with cluster.connect("another") as connection:
            return connection.execute(sql.encode()).fetchall()

    assert timelines(query, "faulty").missing(before) == 0


def test_backup_under_load_restores_into_another_sqlite_database(
    start_door: StartDoor, tmp_path: Path
):
    door = start_door()
    before = back_up_under_load(door, tmp_path / "backup.tar")
    door.manage("restore", str(tmp_path / "backup.tar"), "--replace")
    assert timelines(door.query, "faulty").missing(before) == 0


def test_restore_of_a_backup_during_an_outage_has_the_spooled_callbacks(
    cluster: Cluster, start_door: StartDoor, tmp_path: Path
):
    """The database returns before anybody drains the spool, and the backup runs at that time."""
    door = start_door(cluster.url)
    with Load(door.add_instance("faulty"), lives()) as load:
        load.wait_for(20)
        cluster.stop()
        load.wait_for(60)
    cluster.start()
    assert door.in_spool()
    door.manage("backup", "--to", str(tmp_path / "backup.tar"))
    door.stop()
    for file in door.folder.glob("spool.*"):
        file.unlink()
    cluster.empty()
    door.manage("restore", str(tmp_path / "backup.tar"))
    assert timelines(cluster.query, "faulty").missing(load.acknowledged) == 0
    assert door.in_spool() == 0


Stalled = tuple[Door, Path, "subprocess.Popen[bytes]"]


def start_backup(door: Door, folder: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "manage.py", "backup", "--to", str(folder)]
    return subprocess.Popen(
        command, cwd=ROOT, env=door.environment, stderr=subprocess.DEVNULL, start_new_session=True
    )


@pytest.fixture
def stalled(cluster: Cluster, start_door: StartDoor, tmp_path: Path) -> Iterator[Stalled]:
    """A backup that waits in its middle, because a table is locked as by a migration."""
    door = start_door(cluster.url)
    folder = tmp_path / "backups"
    folder.mkdir()
    with cluster.connect() as connection, connection.transaction():
        connection.execute("LOCK TABLE whatsapp_message IN ACCESS EXCLUSIVE MODE")
        process = start_backup(door, folder)
        wait_until(lambda: any(folder.rglob("archive.tar")), "no backup has begun")
        yield door, folder, process
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_terminated_backup_leaves_no_file(stalled: Stalled):
    _door, folder, process = stalled
    process.terminate()
    assert process.wait(30) != 0
    assert not list(folder.iterdir())


def test_second_backup_to_the_same_folder_is_refused(stalled: Stalled):
    door, folder, _process = stalled
    with start_backup(door, folder) as second:
        assert second.wait(60) == 1


def test_rest_of_a_killed_backup_is_deleted_by_the_next(
    cluster: Cluster, start_door: StartDoor, tmp_path: Path
):
    door = start_door(cluster.url)
    folder = tmp_path / "backups"
    folder.mkdir()
    with cluster.connect() as connection, connection.transaction():
        connection.execute("LOCK TABLE whatsapp_message IN ACCESS EXCLUSIVE MODE")
        with start_backup(door, folder) as process:
            wait_until(lambda: any(folder.rglob("archive.tar")), "no backup has begun")
            os.killpg(process.pid, signal.SIGKILL)
    assert not list(folder.glob("*.tar"))
    door.manage("backup", "--to", str(folder))
    assert [path.suffix for path in folder.iterdir()] == [".tar"]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_backup_to_a_full_disk_fails_and_leaves_no_file(
    request: pytest.FixtureRequest, start_door: StartDoor, tmp_path: Path, database: str
):
    is_sqlite = database == "sqlite"
    door = start_door("" if is_sqlite else request.getfixturevalue("cluster").url)
    folder = tmp_path / "backups"
    folder.mkdir()
    # A limit for the size of each file stands in for a full disk.
    limit = (100_000, resource.RLIM_INFINITY)
    backup = subprocess.run(
        [sys.executable, "manage.py", "backup", "--to", str(folder)],
        cwd=ROOT,
        env=door.environment,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
    )
    assert backup.returncode == 1
    assert f"Cannot back up to {folder}" in backup.stderr
    assert "Traceback" not in backup.stderr
    assert not list(folder.iterdir())
