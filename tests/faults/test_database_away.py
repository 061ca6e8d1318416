"""PostgreSQL is stopped, frozen or locked under load: every callback gets a 2xx, none is lost."""

import socket
import sqlite3
import time
from contextlib import closing, contextmanager
from statistics import median

import pytest

from tests.faults.conftest import ROUNDS, SECONDS, StartDoor, assert_nothing_was_lost
from tests.faults.load import Load, lives
from tests.faults.postgresql import Cluster
from tests.waiting import wait_until

pytestmark = pytest.mark.faults

# Seconds. A callback that waits for the database takes longer than this.
AT_ONCE = 1.0


@contextmanager
def stopped(cluster, mode):
    cluster.stop(mode)
    try:
        yield
    finally:
        cluster.start()


@contextmanager
def frozen(cluster):
    cluster.freeze()
    try:
        yield
    finally:
        cluster.thaw()


@contextmanager
def locked(cluster):
    """Lock a table like a migration."""
    with cluster.connect() as connection, connection.transaction():
        connection.execute("LOCK TABLE whatsapp_message IN ACCESS EXCLUSIVE MODE")
        yield


FAULTS = {
    "stopped fast": lambda cluster: stopped(cluster, "fast"),
    "stopped at once": lambda cluster: stopped(cluster, "immediate"),
    "frozen": frozen,
    "locked": locked,
}


@contextmanager
def locked_file(door):
    with closing(
        sqlite3.connect(door.folder / "statusboard.sqlite3", isolation_level=None)
    ) as file:
        file.execute("BEGIN IMMEDIATE")
        yield


@pytest.mark.parametrize("fault", FAULTS)
def test_postgresql_outage_loses_no_callback(cluster: Cluster, start_door: StartDoor, fault: str):
    door = start_door(cluster.url)
    door.start_worker()
    break_under_load(door, lambda: FAULTS[fault](cluster), cluster.query)


def test_locked_sqlite_loses_no_callback(start_door: StartDoor):
    door = start_door()
    door.start_worker()
    break_under_load(door, lambda: locked_file(door), door.query)


def break_under_load(door, fault, query):
    with Load(door.add_instance("faulty"), lives()) as load:
        for _ in range(ROUNDS):
            load.wait_for(100)
            load.attempts()
            began_at = time.monotonic()
            with fault():
                wait_until(lambda: time.monotonic() > began_at + SECONDS, "time stands still")  # noqa: B023
                answers = load.attempts()
                load.wait_for_attempts(50)
                later = load.attempts()
            assert {answer.status for answer in (*answers, *later)} == {200}
            assert_answered_at_once(later)
            assert any(answer.outcome == "spooled" for answer in answers)
    assert_nothing_was_lost(door, load, query)


def assert_answered_at_once(answers):
    """Check the median, because a busy machine may delay a few responses."""
    assert median(answer.seconds for answer in answers) < AT_ONCE


def test_spool_is_drained_by_a_worker_with_only_drain(cluster: Cluster, start_door: StartDoor):
    door = start_door(cluster.url)
    with Load(door.add_instance("faulty"), lives()) as load:
        load.wait_for(20)
        with stopped(cluster, "fast"):
            load.wait_for(100)
    assert door.in_spool() > 0
    door.start_worker("--only", "drain")
    # A second worker must cause no problem.
    door.start_worker("--only", "drain")
    assert_nothing_was_lost(door, load, cluster.query)


def test_server_started_during_an_outage_loses_no_callback(cluster: Cluster, start_door: StartDoor):
    door = start_door(cluster.url)
    url = door.add_instance("faulty")
    with stopped(cluster, "fast"):
        for file in door.folder.glob("spool.*"):
            file.unlink()
        door.kill_the_server()
        with Load(url, lives()) as load:
            load.wait_for(50)
        # Status 0: no response, because the server is still starting.
        assert {answer.status for answer in load.attempts()} - {0} == {200}
        assert door.in_spool() == len(load.acknowledged)
    door.start_worker()
    assert_nothing_was_lost(door, load, cluster.query)


def test_callbacks_are_answered_while_pages_hang(cluster: Cluster, start_door: StartDoor):
    door = start_door(cluster.url)
    door.start_worker()
    with Load(door.add_instance("faulty"), lives()) as load:
        load.wait_for(50)
        with frozen(cluster), visitors(door, 24):
            load.attempts()
            load.wait_for_attempts(100)
            answers = load.attempts()
        assert {answer.status for answer in answers} == {200}
        assert_answered_at_once(answers)
    assert_nothing_was_lost(door, load, cluster.query)


@contextmanager
def visitors(door, count):
    """Open connections that request a page and wait for the database."""
    request = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: sessionid=somebody\r\n\r\n"
    waiting = [socket.create_connection(("127.0.0.1", door.port)) for _ in range(count)]
    for visitor in waiting:
        visitor.sendall(request)
    yield
    for visitor in waiting:
        visitor.close()


def test_worker_logs_the_start_and_end_of_an_outage_once(cluster: Cluster, start_door: StartDoor):
    door = start_door(cluster.url)
    url = door.add_instance("faulty")
    door.start_worker()
    with Load(url, lives()) as load:
        load.wait_for(20)
    wait_until(lambda: not cluster.query("SELECT FROM whatsapp_followup"), "no worker works")
    with stopped(cluster, "fast"):
        wait_until(lambda: "The database is unavailable" in door.log(), "nobody notices")
        time.sleep(3)  # every job becomes due again in this time
    wait_until(
        lambda: "The database is available again." in door.log(), "nobody notices that it is back"
    )
    assert door.log().count("The database is unavailable") == 1
    assert "Traceback" not in door.log()
