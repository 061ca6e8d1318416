"""A lock between the processes of one machine. Waiting for it is faster than for SQLite's lock."""

import fcntl
import os
import time
from pathlib import Path

# Seconds between two tries. SQLite sleeps up to 100 ms, and others get its lock in the meantime.
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
            # For example a full disk. SQLite's own lock still excludes others, only slower.
            return True
        return True

    def _opened(self) -> int:
        # Opened at the first use, because two processes share a file opened before a fork.
        if self._file is None:
            self._file = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        return self._file
