"""The spool: callbacks in an SQLite file on this machine while the database is unavailable.

The file may be deleted or replaced at any time. So each write creates it if it is missing, and
checks that the rows are in the current file.
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
from messages.models.spooled_callback import SpoolRouter
from statusboard.databases import deadline

from .batching import BatchFailedError, BatchWriter
from .delivery import Delivery
from .file_lock import FileLock
from .spool_quota import SpoolQuota, Usage, Usages, usages

WRITE_TIMEOUT = 2.0  # seconds
ALIAS: Final = SpoolRouter.alias
TABLE: Final = SpooledCallback._meta.db_table
# In bytes. Rewriting a file of this size takes a tenth of a second.
_MAX_REWRITTEN: Final = 16 * 2**20
# Rows of another spool that are added at once.
_ADOPTED: Final = 200
# Whether this process has deleted no rows since it cleaned the file.
_is_clean = True


class SpoolUnavailableError(Exception):
    """The spool cannot be used: it is locked or damaged, or its disk is full."""


class SpoolQuotaError(SpoolUnavailableError):
    """The instance has used its quota of the spool. There is room for the others."""


class _MovedError(FileNotFoundError):
    """The file that this thread has open is no longer the one at the spool's path."""


class _Opened(threading.local):
    """The file that this thread's connection has open."""

    raw: object = None
    file: tuple[int, int] | None = None


_opened = _Opened()


@dataclass(frozen=True, slots=True)
class SpoolState:
    """The content of this machine's spool. `problem` says why it could not be read, or ''."""

    waiting: int = 0
    oldest: datetime | None = None
    refused: int = 0
    problem: str = ""


def keep(delivery: Delivery) -> None:
    """Write a delivery to the disk and sync it. Each delivery is kept only once.

    Raises SpoolUnavailableError, or SpoolQuotaError before anything is written.
    """
    if _quota.is_full(delivery.zapi_id):
        raise SpoolQuotaError("the instance has used its quota")
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
        with _current_file():
            return SpoolState(
                **waiting().aggregate(waiting=Count("id"), oldest=Min("received_at")),
                refused=refused().count(),
            )
    except OperationalError as error:
        return SpoolState() if _lacks_table(error) else SpoolState(problem=str(error))
    except (Error, OSError) as error:
        return SpoolState(problem=str(error))


def full() -> dict[str, Usage]:
    """The instances that have used their quota. Raises SpoolUnavailableError."""
    return {zapi_id: used for zapi_id, used in _usages().items() if used.is_full}


@contextmanager
def opened() -> Iterator[None]:
    """Allow queries on the rows in the block. Raises SpoolUnavailableError."""
    try:
        with _current_file():
            yield
    except (Error, OSError) as error:
        raise SpoolUnavailableError(str(error)) from error


def exists() -> bool:
    """Whether this machine has a spool. Raises SpoolUnavailableError."""
    if not _path().exists():
        return False
    with opened():
        tables = connections["spool"].introspection.table_names()
    return SpooledCallback._meta.db_table in tables


def has_room() -> bool:
    """Whether there is room for more: on the disk, or in free pages of the file.

    Raises SpoolUnavailableError if the file cannot be read.
    """
    folder = _path().parent
    while not folder.exists():
        folder = folder.parent
    missing: int = settings.SPOOL_MIN_FREE - shutil.disk_usage(folder).free
    if missing <= 0:
        return True
    if not _path().exists():
        return False
    with opened():
        return _pragma("freelist_count") * _pragma("page_size") >= missing


def clean() -> None:
    """Vacuum the file, so that it contains no data of deleted rows.

    This rewrites the whole file, so it is skipped while the file is large. If another process reads
    the file, the next call cleans it.
    """
    global _is_clean  # noqa: PLW0603
    with opened():
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
    """The callbacks that are not stored in the database yet, oldest first."""
    return SpooledCallback.objects.filter(cause="").order_by("id")


def refused() -> QuerySet[SpooledCallback]:
    """The callbacks that the database did not accept."""
    return SpooledCallback.objects.exclude(cause="").order_by("id")


def take(count: int) -> list[SpooledCallback]:
    """The oldest waiting callbacks. They stay until forget() is called.

    Creates the spool if it is missing, so that the first callback of an outage does not wait for
    this.
    """
    try:
        with _current_file():
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
    with _current_file():
        SpooledCallback.objects.filter(pk__in=list(ids)).delete()


def set_aside(row: SpooledCallback, cause: Cause) -> None:
    with _current_file():
        SpooledCallback.objects.filter(pk=row.pk).update(cause=cause)


def retry_refused(zapi_ids: Collection[str] | None = None) -> int:
    """Retry refused callbacks: all of them, or those of some instances."""
    if not state().refused:
        return 0
    rows = refused() if zapi_ids is None else refused().filter(zapi_id__in=zapi_ids)
    return rows.update(cause="", cause_values=None)


def adopt(path: Path) -> None:
    """Add the rows of another spool, which may be of an earlier release.

    Raises SpoolUnavailableError.
    """
    with _at(path):
        prepare()
    after = UUID(int=0)
    while True:
        with _at(path):
            rows = list(SpooledCallback.objects.filter(pk__gt=after).order_by("pk")[:_ADOPTED])
        if not rows:
            return
        try:
            _write_batch(rows)
        except (Error, OSError) as error:
            raise SpoolUnavailableError(str(error)) from error
        after = rows[-1].pk


@contextmanager
def _at(path: Path) -> Iterator[None]:
    """Use the spool at another path in the block."""
    connection = connections["spool"]
    own = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = str(path)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = own


def prepare() -> None:
    """Create the folder, the file and its table if they are missing."""
    connection = connections["spool"]
    _path().parent.mkdir(parents=True, exist_ok=True)
    with _path().with_suffix(".lock").open("w") as lock:
        # Several processes may find the file missing at the same time.
        fcntl.flock(lock, fcntl.LOCK_EX)
        connection.close()
        if SpooledCallback._meta.db_table in connection.introspection.table_names():
            executor = MigrationExecutor(connection)
            executor.migrate(executor.loader.graph.leaf_nodes("whatsapp"))
        else:
            _create_table()


def _create_table() -> None:
    """Create the table and mark all migrations as applied.

    Running them takes a second, while callbacks wait. The table comes last, so that an interrupted
    call is repeated.
    """
    connection = connections["spool"]
    recorder = MigrationRecorder(connection)
    recorder.ensure_schema()
    migrations = MigrationLoader(None).disk_migrations
    # Django considers a squashed migration applied only if all migrations that it replaces are
    # applied.
    known = {*migrations, *(old for one in migrations.values() for old in one.replaces)}
    for app, name in sorted(known - recorder.applied_migrations().keys()):
        recorder.record_applied(app, name)
    with connection.schema_editor() as editor:
        editor.create_model(SpooledCallback)


def _write_batch(rows: Sequence[SpooledCallback]) -> Sequence[SpooledCallback]:
    """Write all rows or none, and return them. Creates the spool if it is missing."""
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
    with _current_file():
        if not has_room():
            raise SpoolUnavailableError("its disk is full")
        SpooledCallback.objects.bulk_create(rows, ignore_conflicts=True)
        # If the file was deleted meanwhile, the rows are lost with it.
        if _file() != _opened.file:
            raise _MovedError
    _quota.add(rows)


def _usages() -> Usages:
    if not exists():
        return {}
    with opened():
        return usages()


_quota = SpoolQuota(_usages)
_batches = BatchWriter(
    _write_batch, process_lock=FileLock(settings.SPOOL_PATH.with_suffix(".turn"))
)


@contextmanager
def _current_file() -> Iterator[None]:
    """Make sure that the connection is to the current file. One to a deleted file keeps working."""
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
    """The identity of the file at the path, which changes when the file is replaced."""
    try:
        found = _path().stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _lacks_table(error: OperationalError) -> bool:
    """Whether the file is new, or older than this release."""
    return str(error).startswith(("no such table", "no such column"))
