"""Which webhook keys are retired, on this machine's disk, for while the database is away.

Only what is known to be retired or archived is refused. An instance that is not in the file, and a
key that is newer than the file, are accepted: they were made after it was written. The file holds
ids and version numbers, no secret.
"""

import json
import logging
import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from django.db import connections

from messages.models import Instance
from statusboard.logs import SparseLogger

from .store import UnknownInstanceError

logger = logging.getLogger(__name__)
_sparse_logger = SparseLogger(logger)

# How often the worker asks the database, and a process looks whether the file changed. In seconds.
_EVERY: Final = 2.0
# The oldest version that an archived instance accepts.
_ARCHIVED: Final = None


class RetiredKeyError(UnknownInstanceError):
    """The key was known to be retired, or its instance archived, before the database went away."""


class _Remembered:
    """The file's content, read again when another file has taken its place."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looked_at = -_EVERY
        self._version: tuple[int, ...] | None = None
        self._oldest: dict[str, Any] = {}

    def oldest_of(self, zapi_id: str) -> Any:
        """The oldest version that is accepted; 0 for an instance that is not known."""
        if time.monotonic() - self._looked_at >= _EVERY:
            with self._lock:
                self._look()
        return self._oldest.get(zapi_id, 0)

    def forget(self) -> None:
        """Look again at the next question."""
        self._looked_at = -_EVERY

    def _look(self) -> None:
        self._looked_at = time.monotonic()
        try:
            found = _path().stat()
            version = (found.st_dev, found.st_ino, found.st_mtime_ns)
            if version != self._version:
                self._oldest, self._version = _read(), version
        except FileNotFoundError:
            self._oldest, self._version = {}, None
        except (OSError, ValueError) as error:
            logger.warning("The file of known keys cannot be read, so none is refused: %s", error)
            self._oldest, self._version = {}, None


_remembered = _Remembered()
_asked_at = -_EVERY


def require_accepted(zapi_id: str, version: int) -> None:
    """Without a query. Raises RetiredKeyError."""
    oldest = _remembered.oldest_of(zapi_id)
    if oldest is _ARCHIVED or version < oldest:
        raise RetiredKeyError


def remember_when_due() -> None:
    """For the worker, which comes every second."""
    global _asked_at  # noqa: PLW0603
    if time.monotonic() - _asked_at >= _EVERY:
        _asked_at = time.monotonic()
        remember()


def remember() -> None:
    """Write what the database says, where that differs from the file.

    Compared with the file itself, because another process may just have written what it read
    before us. A disk that takes nothing leaves the file as it is: it then knows of fewer keys.
    """
    rows = Instance.objects.values_list("zapi_id", "oldest_key_version", "archived_at")
    oldest = {zapi_id: _ARCHIVED if archived else first for zapi_id, first, archived in rows}
    with suppress(OSError, ValueError):
        if _read() == oldest:
            return
    try:
        _write(oldest)
    except OSError as error:
        _sparse_logger.log("", logging.WARNING, "The known keys could not be written: %s", error)
    _remembered.forget()


def _write(oldest: dict[str, int | None]) -> None:
    """The whole file or nothing of it."""
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
            json.dump(oldest, file)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _read() -> dict[str, Any]:
    """Raises OSError, and ValueError where it is not what remember() wrote."""
    found = json.loads(_path().read_text())
    if not isinstance(found, dict) or not all(
        value is _ARCHIVED or type(value) is int for value in found.values()
    ):
        raise ValueError("it is not a file of known keys")
    return found


def _path() -> Path:
    return Path(connections["spool"].settings_dict["NAME"]).with_suffix(".keys.json")
