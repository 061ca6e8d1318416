"""CI causes a few faults; `make cluster` causes all, and prints how long each was noticed."""

import os

import pytest

from tests.cluster.drill import EVERY_FAULT, SHORT, drill, table
from tests.cluster.topology import PROGRAMS, program
from tests.faults.conftest import need
from tests.faults.postgresql import binaries

pytestmark = pytest.mark.faults


def test_broken_and_upgraded_cluster_loses_and_doubles_no_callback():
    need(binaries(), "PostgreSQL's initdb", "REQUIRE_POSTGRES_BINARIES")
    for name in PROGRAMS:
        need(program(name), name, "REQUIRE_CLUSTER")
    is_long = os.environ.get("CLUSTER_FAULTS") == "all"
    result = drill(EVERY_FAULT if is_long else SHORT)
    print(table(result))  # noqa: T201
    assert (result.missing, result.duplicates) == (0, 0)
