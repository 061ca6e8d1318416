"""Fault injection in real processes.

The defaults are short enough for CI. `make faults` runs the full number of repetitions.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.door import Door
from tests.faults.load import Load, send_all
from tests.faults.postgresql import Cluster, binaries
from tests.faults.timelines import Query, timelines
from tests.waiting import wait_until

KILLS = int(os.environ.get("FAULT_KILLS", "3"))
ROUNDS = int(os.environ.get("FAULT_ROUNDS", "1"))  # repetitions of faults other than kills
SECONDS = float(os.environ.get("FAULT_SECONDS", "6"))  # duration of a database outage in seconds
# Number of bodies generated from the schema
EXAMPLES = int(os.environ.get("FAULT_EXAMPLES", "150"))

StartDoor = Callable[..., Door]


def need(what: object, name: str, variable: str) -> None:
    """Skip the test if a program is missing; fail if the environment variable is 1."""
    if not what and os.environ.get(variable) == "1":
        pytest.fail(f"{name} is not installed, and {variable}=1 says that it must be")
    if not what:
        pytest.skip(f"{name} is not installed ({variable}=1 makes this a failure)")


@pytest.fixture(scope="session")
def server() -> Iterator[Cluster]:
    found = binaries()
    need(found, "PostgreSQL's initdb", "REQUIRE_POSTGRES_BINARIES")
    assert found
    cluster = Cluster(found)
    yield cluster
    cluster.remove()


@pytest.fixture
def cluster(server: Cluster) -> Cluster:
    """A running PostgreSQL server with an empty database."""
    server.empty()
    return server


@pytest.fixture
def start_door(tmp_path: Path) -> Iterator[StartDoor]:
    doors: list[Door] = []

    def start(database_url: str = "", **more: str) -> Door:
        doors.append(Door(tmp_path, database_url, **more))
        return doors[-1]

    yield start
    for door in doors:
        door.stop()


def assert_nothing_was_lost(door: Door, load: Load, query: Query) -> None:
    """Check that no acknowledged callback is missing.

    The rows must equal those of a run without faults.
    """
    wait_until(lambda: door.in_spool() == 0, "the spool is not drained", progress=door.in_spool)
    found = timelines(query, "faulty")
    missing = found.missing(load.acknowledged)
    print(f"{len(load.acknowledged)} callbacks acknowledged, {missing} steps missing")  # noqa: T201
    assert missing == 0
    send_all(door.add_instance("clean"), load.acknowledged)
    assert found == timelines(query, "clean")
    assert door.in_spool("cause <> ''") == 0
