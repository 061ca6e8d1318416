"""Log lines about what may happen thousands of times a second."""

import logging
import threading
import time
from typing import Any, Final

_EVERY: Final = 60.0  # seconds


class SparseLogger:
    """Writes the first line of each kind at once, then one a minute that says how many it left out.

    Each process counts for itself.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._lock = threading.Lock()
        # When a line was written last, and how many were left out since.
        self._written: dict[str, tuple[float, int]] = {}

    def log(self, kind: str, level: int, message: str, *args: object, **extra: Any) -> None:
        now = time.monotonic()
        with self._lock:
            at, left_out = self._written.get(kind, (-_EVERY, 0))
            is_due = now - at >= _EVERY
            self._written[kind] = (now, 0) if is_due else (at, left_out + 1)
        if not is_due:
            return
        if left_out:
            message, args = f"{message} (%d more since the last such line)", (*args, left_out)
        self._logger.log(level, message, *args, extra=extra)

    def forget(self) -> None:
        with self._lock:
            self._written.clear()
