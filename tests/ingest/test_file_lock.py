"""The lock between processes. The other process in these tests is a real one."""

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


def test_lock_of_another_process_is_waited_for_until_the_timeout(path, holder):
    assert not FileLock(path).acquire(0.01)


def test_lock_of_a_killed_process_is_free(path, holder):
    holder.kill()
    assert FileLock(path).acquire(10)


def test_released_lock_can_be_acquired(path):
    first = FileLock(path)
    assert first.acquire(0)
    first.release()
    assert FileLock(path).acquire(0)


def test_lock_without_a_file_does_not_wait(tmp_path):
    assert FileLock(tmp_path / "no such folder" / "turn").acquire(0)
