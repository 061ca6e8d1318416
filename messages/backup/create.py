"""Writes one archive with the database, this server's spool and, if asked, the secrets."""

import fcntl
import hashlib
import hmac
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

from django.conf import settings
from django.db import connection, connections
from django.db.migrations.recorder import MigrationRecorder

from messages.ingest import spool
from statusboard import __version__

from . import postgresql, secret_files, sqlite
from .archive import ArchiveWriter, Progress

SPOOL: Final = "spool.sqlite3.gz"
KEYS: Final = ("FIELD_ENCRYPTION_KEYS", "WEBHOOK_SIGNING_KEYS")
_NAME: Final = "statusboard-%Y%m%dT%H%M%SZ.tar"
_ALL_NAMES: Final = "statusboard-????????T??????Z.tar"
_SCRATCH: Final = ".statusboard-backup"


class BackupError(Exception):
    """No archive was written. The error says why."""


@dataclass(frozen=True, slots=True)
class Saved:
    path: Path
    rows: int
    spooled: int


def back_up(target: Path, passphrase: str, progress: Progress) -> Saved:
    """Write an archive to a file, or to a folder under a name with the time.

    `passphrase` encrypts the secrets; without it they are left out. Raises BackupError.
    """
    now = datetime.now(UTC)
    path = target / now.strftime(_NAME) if target.is_dir() else target
    try:
        with _scratch(path.parent) as scratch:
            draft = scratch / "archive.tar"
            with _file(draft) as file:
                writer = ArchiveWriter(file)
                # The spool comes first: a callback that is drained meanwhile is then in both
                # copies, and is stored only once after a restore.
                spooled = _add_spool(writer, scratch, progress)
                rows = _add_database(writer, scratch, progress)
                if passphrase:
                    _add_secrets(writer, passphrase)
                writer.finish(_manifest(now, rows, spooled))
            draft.replace(path)
    except (OSError, sqlite3.Error, postgresql.ProgramError, spool.SpoolUnavailableError) as error:
        raise BackupError(f"Cannot back up to {path}: {error}") from error
    return Saved(path, sum(rows.values()), spooled)


def delete_older(folder: Path, keep: int) -> list[Path]:
    """Keep the newest archives of a folder. Return those that were deleted."""
    older = sorted(folder.glob(_ALL_NAMES), reverse=True)[keep:]
    for path in older:
        path.unlink()
    return older


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """A private folder beside the archive, deleted at the end. Only one backup can use it."""
    scratch = folder / _SCRATCH
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError(f"Another backup to {folder} is running.") from None
        # It is left if a backup was killed.
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(mode=0o700)
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _file(path: Path) -> Iterator[BinaryIO]:
    """A new private file that is on the disk at the end of the block."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w+b") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _add_spool(writer: ArchiveWriter, scratch: Path, progress: Progress) -> int:
    if not spool.exists():
        return 0
    copy = scratch / "spool.sqlite3"
    with spool.opened():
        sqlite.copy_file(connections[spool.ALIAS].connection, copy, progress)
    sqlite.add(writer, SPOOL, copy)
    return sqlite.count(copy, spool.TABLE)


def _add_database(writer: ArchiveWriter, scratch: Path, progress: Progress) -> dict[str, int]:
    if connection.vendor == "postgresql":
        return postgresql.dump(writer, progress)
    return sqlite.dump(writer, scratch, progress)


def _add_secrets(writer: ArchiveWriter, passphrase: str) -> None:
    secrets = {"SECRET_KEY": settings.SECRET_KEY}
    secrets |= {name: ",".join(getattr(settings, name)) for name in KEYS}
    with writer.member(secret_files.MEMBER) as sink:
        sink.write(secret_files.encrypt(secrets, passphrase))


def _manifest(now: datetime, rows: dict[str, int], spooled: int) -> dict[str, Any]:
    return {
        "version": __version__,
        "made_at": now.isoformat(timespec="seconds"),
        "database": connection.vendor,
        "database_version": postgresql.version() if connection.vendor == "postgresql" else 0,
        "migrations": sorted(MigrationRecorder(connection).applied_migrations()),
        "rows": rows,
        "spooled": spooled,
        "keys": {name: key_marks(name) for name in KEYS},
    }


def key_marks(name: str) -> list[str]:
    """A mark of each key, from which the key cannot be computed."""
    keys: list[str] = getattr(settings, name)
    return [
        hmac.new(key.encode(), b"statusboard backup", hashlib.sha256).hexdigest() for key in keys
    ]
