"""Restores an archive into this server's database and spool."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from messages.accounts.stored_secrets import unreadable
from messages.ingest import spool
from messages.ingest.spool_drain import drain
from statusboard import __version__

from . import postgresql, sqlite
from .archive import Archive, ArchiveError, Progress, opened
from .create import KEYS, SPOOL, key_marks
from .tables import count_rows, table_with_data

_MOST_CHECKED: Final = 10_000  # secrets of each column


class RestoreError(Exception):
    """The archive cannot be restored. The error says why."""


class KeysDifferError(RestoreError):
    """The archive was made with other keys than those of this server."""


@dataclass(frozen=True, slots=True)
class Restored:
    rows: int
    drained: int
    refused: int
    unreadable_secrets: int


@contextmanager
def checked(path: Path, *, replace: bool, other_keys: bool) -> Iterator[Archive]:
    """Open an archive that can be restored here. Raises RestoreError or OSError."""
    try:
        with opened(path) as archive:
            archive.verify()
            _require_known_version(archive)
            _require_same_database(archive)
            if not other_keys:
                _require_same_keys(archive)
            if not replace:
                _require_empty_database()
            yield archive
    except ArchiveError as error:
        raise RestoreError(str(error)) from error


def restore(archive: Archive, progress: Progress) -> Restored:
    """Replace the database, migrate it, and store the callbacks of the archived spool.

    Callbacks that wait in this server's own spool are kept.
    """
    progress("Database …")
    try:
        (postgresql if connection.vendor == "postgresql" else sqlite).load(archive)
    except (postgresql.ProgramError, sqlite3.Error) as error:
        raise RestoreError(f"The database is unchanged. {error}") from error
    rows = _require_same_rows(archive)
    progress("Migrations …")
    call_command("migrate", verbosity=0)
    progress("Spool …")
    spool.prepare()
    if SPOOL in archive:
        with sqlite.unpacked(archive, SPOOL) as path:
            try:
                spool.adopt(path)
            except spool.SpoolUnavailableError as error:
                raise RestoreError(f"Only the spool is not restored: {error}") from error
    drained = 0
    while number := drain():
        drained += number
        progress(f"Spool: {drained} …")
    return Restored(rows, drained, spool.state().refused, unreadable(_MOST_CHECKED))


def _require_known_version(archive: Archive) -> None:
    made_by = archive.manifest["version"]
    known = MigrationLoader(None).disk_migrations
    names = set(known) | {old for one in known.values() for old in one.replaces}
    ours = {app for app, _name in names}
    unknown = [
        name
        for app, name in archive.manifest["migrations"]
        if app in ours and (app, name) not in names
    ]
    if unknown or _numbers(made_by) > _numbers(__version__):
        raise RestoreError(
            f"The archive was made by version {made_by}, which is newer than {__version__} here. "
            "Update Statusboard first."
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _require_same_database(archive: Archive) -> None:
    made_with = archive.manifest["database"]
    if made_with != connection.vendor:
        raise RestoreError(
            f"The archive contains a database of {made_with}, and DATABASE_URL names "
            f"{connection.vendor}. Restore it with {made_with} first. manage.py "
            "move_to_postgresql then copies it to PostgreSQL."
        )


def _require_same_keys(archive: Archive) -> None:
    different = [
        name for name in KEYS if not set(archive.manifest["keys"][name]) <= set(key_marks(name))
    ]
    if different:
        raise KeysDifferError(f"The archive was made with other {' and '.join(different)}.")


def _require_empty_database() -> None:
    if table := table_with_data():
        raise RestoreError(
            f"The database is not empty: {table} has rows. Add --replace to delete everything."
        )


def _require_same_rows(archive: Archive) -> int:
    expected: dict[str, int] = archive.manifest["rows"]
    found = count_rows()
    different = [name for name, number in expected.items() if found.get(name, number) != number]
    if different:
        raise RestoreError(f"These tables are not complete: {', '.join(different)}.")
    return sum(expected.values())
