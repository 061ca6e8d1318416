"""Faults done on purpose to real processes.

How often, and for how long, is what CI has time for; `make faults` asks for all that is promised.
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
ROUNDS = int(os.environ.get("FAULT_ROUNDS", "1"))  # of whatever is not a kill
SECONDS = float(os.environ.get("FAULT_SECONDS", "6"))  # for which the database is away
EXAMPLES = int(os.environ.get("FAULT_EXAMPLES", "150"))  # of bodies made up from a description

StartDoor = Callable[..., Door]


def need(what: object, name: str, variable: str) -> None:
    """Skip where a program is missing, unless the environment insists on it."""
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
    """Running, and empty."""
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
    """Acknowledged and missing: 0; and the timelines are those of a clean run."""
    wait_until(lambda: door.in_spool() == 0, "the spool is not drained", progress=door.in_spool)
    found = timelines(query, "faulty")
    missing = found.missing(load.acknowledged)
    print(f"{len(load.acknowledged)} callbacks acknowledged, {missing} steps missing")  # noqa: T201
    assert missing == 0
    send_all(door.add_instance("clean"), load.acknowledged)
    assert found == timelines(query, "clean")
    assert door.in_spool("cause <> ''") == 0
