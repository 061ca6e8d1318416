"""Copy SQLite files that are in use."""

import gzip
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, cast

from django.conf import settings
from django.db import connection

from .archive import Archive, ArchiveWriter, Progress
from .tables import tables

MEMBER: Final = "database.sqlite3.gz"
_PAGES: Final = 4096  # of 4 KiB, between two lines of progress


def dump(writer: ArchiveWriter, scratch: Path, progress: Progress) -> dict[str, int]:
    """Copy a consistent state while the database is in use. Return the rows of each table."""
    connection.ensure_connection()
    copy = scratch / "database.sqlite3"
    copy_file(connection.connection, copy, progress)
    add(writer, MEMBER, copy)
    # New code may back up a database that is not migrated yet.
    there = connection.introspection.table_names()
    names = (model._meta.db_table for model in tables())
    return {name: count(copy, name) for name in names if name in there}


def copy_file(source: sqlite3.Connection, target: Path, progress: Progress) -> None:
    with closing(sqlite3.connect(target)) as copy:

        def report(_status: int, remaining: int, total: int) -> None:
            if remaining:
                progress(f"Database: {100 - 100 * remaining // total} % …")

        # With an open read transaction the copy is of one moment. Without it, SQLite starts over
        # whenever somebody writes.
        source.execute("BEGIN DEFERRED")
        try:
            source.execute("SELECT count(*) FROM sqlite_master").fetchone()
            source.backup(copy, pages=_PAGES, progress=report, sleep=0)
        finally:
            source.execute("ROLLBACK")


def add(writer: ArchiveWriter, name: str, path: Path) -> None:
    with (
        writer.member(name) as sink,
        path.open("rb") as file,
        gzip.GzipFile(fileobj=cast(Any, sink), mode="wb", compresslevel=1) as packed,
    ):
        shutil.copyfileobj(file, packed, 2**20)


@contextmanager
def unpacked(archive: Archive, name: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=settings.DATA_DIR) as scratch:
        path = Path(scratch) / "file.sqlite3"
        with gzip.open(archive.open(name)) as packed, path.open("wb") as file:
            shutil.copyfileobj(packed, file, 2**20)
        yield path


def load(archive: Archive) -> None:
    """Replace the database in one transaction: if anything fails, it stays as it was."""
    connection.ensure_connection()
    with unpacked(archive, MEMBER) as path, closing(sqlite3.connect(path)) as copy:
        copy.backup(connection.connection)
    connection.close()


def count(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as file:
        return int(file.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0])  # noqa: S608
