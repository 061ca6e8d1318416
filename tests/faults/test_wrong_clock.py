"""A worker whose clock is an hour ahead, beside one whose clock is right."""

import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
import requests

from tests.faults.conftest import StartDoor, need
from tests.faults.door import Door
from tests.plugins.processes import ROOT
from tests.waiting import wait_until

pytestmark = pytest.mark.faults


def test_worker_with_a_fast_clock_does_not_delay_jobs(start_door: StartDoor):
    faketime = shutil.which("faketime")
    need(faketime, "faketime", "REQUIRE_FAKETIME")
    door = start_door()
    door.start_worker()
    wait_until(lambda: put_off(door) == 0, "the jobs do not run")
    ahead = [str(faketime), "-f", "+1h", sys.executable, "manage.py", "worker", "--once"]
    door.query("UPDATE whatsapp_joblease SET due_at = '2020-01-01'")
    subprocess.run(ahead, cwd=ROOT, env=door.environment, check=True)
    wait_until(lambda: put_off(door) == 0, "a job is put off", progress=lambda: put_off(door))
    assert requests.get(f"http://127.0.0.1:{door.port}/readyz", timeout=60).json()["ready"]


def put_off(door: Door) -> int | None:
    """The number of frequent shared jobs that are due more than two minutes from now."""
    rows = door.query(
        "SELECT due_at FROM whatsapp_joblease WHERE job IN ('watch', 'learn rhythms')"
    )
    latest = datetime.now(UTC) + timedelta(minutes=2)
    return sum(datetime.fromisoformat(f"{due}+00:00") > latest for (due,) in rows) if rows else None
