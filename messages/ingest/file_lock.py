"""A lock between the processes of one machine.

It is acquired faster than SQLite's lock, which is polled less often.
"""

import fcntl
import os
import time
from pathlib import Path

# Seconds between two tries. SQLite sleeps up to 100 ms between tries, so other processes often get
# the lock first.
_RETRY_INTERVAL = 0.0005


class FileLock:
    """A lock on a file, released when its process ends. It does not exclude threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def acquire(self, timeout: float | None) -> bool:
        """Wait up to `timeout` seconds, or without limit if None. Return whether it is held.

        It polls, because waiting in the kernel has no time limit and the holder may be frozen.
        """
        ends_at = None if timeout is None else time.monotonic() + timeout
        while not self._try():
            if ends_at is not None and time.monotonic() >= ends_at:
                return False
            time.sleep(_RETRY_INTERVAL)
        return True

    def release(self) -> None:
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _try(self) -> bool:
        try:
            fcntl.flock(self._opened(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            # The lock file cannot be used, for example because the disk is full. SQLite's own lock
            # still prevents simultaneous writes, but is slower.
            return True
        return True

    def _opened(self) -> int:
        # Opened at first use: a file opened before a fork is shared, and so would be its lock.
        if self._file is None:
            self._file = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        return self._file
