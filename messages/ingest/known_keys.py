"""A file with the oldest accepted key version of each instance.

It is used while the database is unavailable. It also says which instances forward callbacks: their
inbound messages are kept in full.

Only keys that are known to be retired, or whose instance is archived, are refused. Unknown
instances and newer keys are accepted, because they may be newer than the file. The file contains
ids and version numbers, and no secret.
"""

import json
import logging
import os
import threading
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from django.db import connections

from messages.models import Instance, Webhook, WebhookKind
from statusboard.logs import SparseLogger

from .store import UnknownInstanceError

logger = logging.getLogger(__name__)
_sparse_logger = SparseLogger(logger)

# Seconds between updates by the worker, and between checks of each process for a new file.
INTERVAL: Final = 2.0
# The value for an archived instance, which accepts no version.
_ARCHIVED: Final = None


class RetiredKeyError(UnknownInstanceError):
    """The key is retired or its instance archived, according to the file of known keys."""


class _KnownKeys:
    """The content of the file, read again after the file was replaced."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._checked_at = -INTERVAL
        self._version: tuple[int, ...] | None = None
        self._oldest: dict[str, Any] = {}

    def entry_of(self, zapi_id: str) -> Any:
        """The oldest accepted version, 0 for an unknown instance, and whether it forwards."""
        if time.monotonic() - self._checked_at >= INTERVAL:
            with self._lock:
                self._reload()
        return self._oldest.get(zapi_id, (0, False))

    def expire(self) -> None:
        """Check the file at the next lookup."""
        self._checked_at = -INTERVAL

    def _reload(self) -> None:
        self._checked_at = time.monotonic()
        try:
            found = _path().stat()
            version = (found.st_dev, found.st_ino, found.st_mtime_ns)
            if version != self._version:
                self._oldest, self._version = _read(), version
        except FileNotFoundError:
            self._oldest, self._version = {}, None
        except (OSError, ValueError) as error:
            logger.warning("The file of known keys cannot be read. No key is refused: %s", error)
            self._oldest, self._version = {}, None


_known_keys = _KnownKeys()
_updated_at = -INTERVAL


def require_accepted(zapi_id: str, version: int) -> None:
    """Check a key without a query. Raises RetiredKeyError."""
    oldest, _forwards = _known_keys.entry_of(zapi_id)
    if oldest is _ARCHIVED or version < oldest:
        raise RetiredKeyError


def forwards_inbound(zapi_id: str) -> bool:
    """Whether a receiver waits for the inbound messages of this instance."""
    _oldest, forwards = _known_keys.entry_of(zapi_id)
    return bool(forwards)


def remember_when_due() -> None:
    """Call remember() if its last call was long enough ago. The worker calls this every second."""
    global _updated_at  # noqa: PLW0603
    if time.monotonic() - _updated_at >= INTERVAL:
        _updated_at = time.monotonic()
        remember()


def remember() -> None:
    """Write the keys in the database to the file if they differ.

    They are compared with the file itself, because another process may have written older data. If
    the disk is full, the old file stays, which may lack newly retired keys.
    """
    rows = Instance.objects.values_list("zapi_id", "oldest_key_version", "archived_at", "pk")
    kinds: dict[int, set[str]] = defaultdict(set)
    forwarding_webhooks = Webhook.objects.exclude(forward_to="")
    for pk, kind in forwarding_webhooks.values_list("instance", "kind"):
        kinds[pk].add(kind)
    # The same condition as in merge_rules.dropped_body(): a webhook other than the four
    # status webhooks forwards, or all four forward.
    statuses = set(WebhookKind.values)
    forwarding = {pk for pk, some in kinds.items() if some - statuses or some >= statuses}
    oldest = {
        zapi_id: [_ARCHIVED if archived else first, pk in forwarding]
        for zapi_id, first, archived, pk in rows
    }
    with suppress(OSError, ValueError):
        if _read() == oldest:
            return
    try:
        _write(oldest)
    except OSError as error:
        _sparse_logger.log("", logging.WARNING, "The known keys could not be written: %s", error)
    _known_keys.expire()


def _write(oldest: dict[str, Any]) -> None:
    """Replace the file atomically."""
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
    """Raises OSError, or ValueError if the file is damaged."""
    found = json.loads(_path().read_text())
    if not isinstance(found, dict) or not all(
        isinstance(value, list)
        and len(value) == 2
        and (value[0] is _ARCHIVED or type(value[0]) is int)
        for value in found.values()
    ):
        raise ValueError("it is not a file of known keys")
    return found


def _path() -> Path:
    return Path(connections["spool"].settings_dict["NAME"]).with_suffix(".keys.json")
