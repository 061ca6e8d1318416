"""One of this machine's processes at a time, without the long sleeps of SQLite's own waiting."""

import fcntl
import os
import time
from pathlib import Path

# Between two looks, in seconds. SQLite itself sleeps up to 100 ms, and then others came first.
_LOOK_EVERY = 0.0005


class FileLock:
    """A lock on a file; a process that dies lets go of it. Not for two threads of one process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def acquire(self, timeout: float | None) -> bool:
        """Whether it is held now. Waits `timeout` seconds at most, for ever where that is None.

        Looks again and again, because a lock that is waited for in the kernel knows no time limit,
        and its holder may be frozen.
        """
        ends_at = None if timeout is None else time.monotonic() + timeout
        while not self._try():
            if ends_at is not None and time.monotonic() >= ends_at:
                return False
            time.sleep(_LOOK_EVERY)
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
            # A disk that is full, say. SQLite's own lock is there still, only slower.
            return True
        return True

    def _opened(self) -> int:
        # Not before its first use: a file that was open at a fork would be both processes' lock.
        if self._file is None:
            self._file = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        return self._file
