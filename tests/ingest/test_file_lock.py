"""The lock that the web server's processes take turns by; the other process here is a real one."""

import subprocess
import sys

import pytest

from messages.ingest.file_lock import FileLock

HOLDER = """
import fcntl, sys
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "turn"


@pytest.fixture
def holder(path):
    """Another process that holds the lock until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_what_another_process_holds_is_not_waited_for_beyond_the_limit(path, holder):
    assert not FileLock(path).acquire(0.01)


def test_a_holder_that_is_killed_lets_go(path, holder):
    holder.kill()
    assert FileLock(path).acquire(10)


def test_what_was_released_can_be_had(path):
    first = FileLock(path)
    assert first.acquire(0)
    first.release()
    assert FileLock(path).acquire(0)


def test_where_no_file_can_be_made_nobody_waits(tmp_path):
    assert FileLock(tmp_path / "no such folder" / "turn").acquire(0)
