"""Callbacks on this machine's own disk, for as long as the database is away.

A file that somebody may delete, move or forget to create at any moment: each write makes sure that
it went into the file that is there, and makes that file where there is none.
"""

import fcntl
import shutil
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import Error, OperationalError, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Count, Min, QuerySet

from messages.domain.causes import Cause
from messages.models import SpooledCallback
from statusboard.databases import deadline

from .batching import BatchFailedError, BatchWriter
from .delivery import Delivery
from .file_lock import FileLock
from .spool_quota import SpoolQuota, Usage, Usages, usages

WRITE_TIMEOUT = 2.0  # seconds
# In bytes. To write so much anew takes a tenth of a second.
_MAX_REWRITTEN: Final = 16 * 2**20
# Whether this process has deleted nothing since it cleaned the file.
_is_clean = True


class SpoolUnavailableError(Exception):
    """The spool cannot be read or written: it is locked or broken, or its disk is full."""


class SpoolQuotaError(SpoolUnavailableError):
    """This instance has filled its part of the spool. There is room for the others."""


class _MovedError(FileNotFoundError):
    """The file that this thread has open is not, or not any more, the one at the spool's path."""


class _Opened(threading.local):
    """Which file this thread's connection has open."""

    raw: object = None
    file: tuple[int, int] | None = None


_opened = _Opened()


@dataclass(frozen=True, slots=True)
class SpoolState:
    """What lies in this machine's spool. `problem` says why it could not be looked into, or ''."""

    waiting: int = 0
    oldest: datetime | None = None
    refused: int = 0
    problem: str = ""


def keep(delivery: Delivery) -> None:
    """Write a delivery to the disk, once however often it is called.

    When this returns it is synced. Raises SpoolUnavailableError, or SpoolQuotaError before anything
    is written.
    """
    if _quota.is_full(delivery.zapi_id):
        raise SpoolQuotaError("this instance has filled its part of it")
    row = SpooledCallback(
        id=delivery.id,
        zapi_id=delivery.zapi_id,
        key_version=delivery.key_version,
        received_at=delivery.received_at,
        body=delivery.body,
        token_digest=delivery.token_digest,
    )
    try:
        with deadline(WRITE_TIMEOUT):
            try:
                _batches.write(row)
            except BatchFailedError:
                _batches.write(row, alone=True)
    except (Error, OSError) as error:
        raise SpoolUnavailableError(str(error)) from error


def state() -> SpoolState:
    if not _path().exists():
        return SpoolState()
    try:
        with _present_file():
            return SpoolState(
                **waiting().aggregate(waiting=Count("id"), oldest=Min("received_at")),
                refused=refused().count(),
            )
    except OperationalError as error:
        return SpoolState() if _lacks_table(error) else SpoolState(problem=str(error))
    except (Error, OSError) as error:
        return SpoolState(problem=str(error))


def full() -> dict[str, Usage]:
    """The instances that have filled their part of it. Raises SpoolUnavailableError."""
    return {zapi_id: used for zapi_id, used in _usages().items() if used.is_full}


@contextmanager
def at_hand() -> Iterator[None]:
    """For a look through its rows, or a deletion. Raises SpoolUnavailableError."""
    try:
        with _present_file():
            yield
    except (Error, OSError) as error:
        raise SpoolUnavailableError(str(error)) from error


def was_made() -> bool:
    """Whether this machine ever needed one. Raises SpoolUnavailableError."""
    if not _path().exists():
        return False
    with at_hand():
        tables = connections["spool"].introspection.table_names()
    return SpooledCallback._meta.db_table in tables


def has_room() -> bool:
    """Whether it may take more: on its disk, or in pages of its own that are free.

    Raises SpoolUnavailableError where it cannot be asked for those.
    """
    folder = _path().parent
    while not folder.exists():
        folder = folder.parent
    missing: int = settings.SPOOL_MIN_FREE - shutil.disk_usage(folder).free
    if missing <= 0:
        return True
    if not _path().exists():
        return False
    with at_hand():
        return _pragma("freelist_count") * _pragma("page_size") >= missing


def clean() -> None:
    """Give free pages back to the disk, and leave nothing of what was deleted in its files.

    What is left of it is written anew, so it is left alone where that would keep callbacks waiting.
    Somebody who reads it may be in the way; then the next call does it.
    """
    global _is_clean  # noqa: PLW0603
    with at_hand():
        free = _pragma("freelist_count")
        live = (_pragma("page_count") - free) * _pragma("page_size")
        if (free or not _is_clean) and live <= _MAX_REWRITTEN:
            with connections["spool"].cursor() as cursor:
                cursor.execute("VACUUM")
            _is_clean = True
        log = _path().with_name(f"{_path().name}-wal")
        if log.exists() and log.stat().st_size:
            _pragma("wal_checkpoint(TRUNCATE)")


def _pragma(name: str) -> int:
    with connections["spool"].cursor() as cursor:
        cursor.execute(f"PRAGMA {name}")
        return int(cursor.fetchone()[0])


def waiting() -> QuerySet[SpooledCallback]:
    """Oldest first."""
    return SpooledCallback.objects.filter(cause="").order_by("id")


def refused() -> QuerySet[SpooledCallback]:
    """Set aside: the database was asked, and would not have them."""
    return SpooledCallback.objects.exclude(cause="").order_by("id")


def take(count: int) -> list[SpooledCallback]:
    """Some of those that wait, oldest first. They stay until they are forgotten.

    Makes the spool where it is missing: when the database goes away there is no time for it.
    """
    try:
        with _present_file():
            return list(waiting()[:count])
    except _MovedError:
        prepare()
    except OperationalError as error:
        if not _lacks_table(error):
            raise
        prepare()
    return []


def forget(ids: Iterable[UUID]) -> None:
    global _is_clean  # noqa: PLW0603
    _is_clean = False
    with _present_file():
        SpooledCallback.objects.filter(pk__in=list(ids)).delete()


def set_aside(row: SpooledCallback, cause: Cause) -> None:
    with _present_file():
        SpooledCallback.objects.filter(pk=row.pk).update(cause=cause)


def retry_refused(zapi_ids: Collection[str] | None = None) -> int:
    """Let those set aside wait again, after what stood in their way is gone.

    All of them, or those of some instances.
    """
    if not state().refused:
        return 0
    rows = refused() if zapi_ids is None else refused().filter(zapi_id__in=zapi_ids)
    return rows.update(cause="", cause_values=None)


def prepare() -> None:
    """Make the folder, the file and its table, as far as they are missing."""
    connection = connections["spool"]
    _path().parent.mkdir(parents=True, exist_ok=True)
    with _path().with_suffix(".lock").open("w") as lock:
        # Processes that find the file missing in the same moment must not all create the table.
        fcntl.flock(lock, fcntl.LOCK_EX)
        connection.close()
        if SpooledCallback._meta.db_table in connection.introspection.table_names():
            executor = MigrationExecutor(connection)
            executor.migrate(executor.loader.graph.leaf_nodes("whatsapp"))
        else:
            _make_table()


def _make_table() -> None:
    """As all migrations together would: to run them takes a second, and callbacks wait for it.

    The table comes last, so that whoever is stopped on the way begins anew.
    """
    connection = connections["spool"]
    recorder = MigrationRecorder(connection)
    recorder.ensure_schema()
    migrations = MigrationLoader(None).disk_migrations
    # Django takes a squashed migration for applied only if those that it replaces are.
    known = {*migrations, *(old for one in migrations.values() for old in one.replaces)}
    for app, name in sorted(known - recorder.applied_migrations().keys()):
        recorder.record_applied(app, name)
    with connection.schema_editor() as editor:
        editor.create_model(SpooledCallback)


def _write_surely(rows: Sequence[SpooledCallback]) -> Sequence[SpooledCallback]:
    """All or none of them. Gives them back."""
    try:
        _write(rows)
    except _MovedError:
        prepare()
        _write(rows)
    except OperationalError as error:
        if not _lacks_table(error):
            raise
        prepare()
        _write(rows)
    return rows


def _write(rows: Sequence[SpooledCallback]) -> None:
    with _present_file():
        if not has_room():
            raise SpoolUnavailableError("its disk is full")
        SpooledCallback.objects.bulk_create(rows, ignore_conflicts=True)
        # A file deleted meanwhile took the rows along.
        if _file() != _opened.file:
            raise _MovedError
    _quota.add(rows)


def _usages() -> Usages:
    if not was_made():
        return {}
    with at_hand():
        return usages()


_quota = SpoolQuota(_usages)
_batches = BatchWriter(
    _write_surely, process_lock=FileLock(settings.SPOOL_PATH.with_suffix(".turn"))
)


@contextmanager
def _present_file() -> Iterator[None]:
    """On a connection to the file that is there now: one to a deleted file would go on working."""
    connection = connections["spool"]
    is_known = connection.connection is not None and connection.connection is _opened.raw
    if not (is_known and _opened.file == _file()):
        _open()
    yield


def _open() -> None:
    connection, file = connections["spool"], _file()
    connection.close()
    if file is None:
        raise _MovedError
    connection.ensure_connection()
    if file != _file():
        raise _MovedError
    _opened.raw, _opened.file = connection.connection, file


def _path() -> Path:
    return Path(connections["spool"].settings_dict["NAME"])


def _file() -> tuple[int, int] | None:
    """What tells one file from another that took its place."""
    try:
        found = _path().stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _lacks_table(error: OperationalError) -> bool:
    """A file that is new, or older than this release."""
    return str(error).startswith(("no such table", "no such column"))
