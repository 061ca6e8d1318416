"""Dump and load PostgreSQL with its own programs."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Final

from django.db import connection, transaction
from django.db.backends.postgresql.client import DatabaseClient

from .archive import Archive, ArchiveWriter, Progress
from .tables import count_rows

MEMBER: Final = "database.dump"
_CHUNK: Final = 1024 * 1024
_REPORT_EVERY: Final = 64 * _CHUNK
# Removes everything of an earlier restore or migration that the dump does not know.
_DROP_ALL: Final = """
DO $$ DECLARE one record; BEGIN
    FOR one IN SELECT oid::regclass AS name FROM pg_class WHERE relkind IN ('r', 'p')
        AND relnamespace = current_schema()::regnamespace
    LOOP EXECUTE format('DROP TABLE IF EXISTS %s CASCADE', one.name); END LOOP;
    FOR one IN SELECT oid::regprocedure AS name FROM pg_proc
        WHERE pronamespace = current_schema()::regnamespace AND NOT EXISTS
            (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
    LOOP EXECUTE format('DROP FUNCTION IF EXISTS %s CASCADE', one.name); END LOOP;
END $$;
"""


class ProgramError(Exception):
    """pg_dump, pg_restore or psql is missing, too old, or failed."""


def dump(writer: ArchiveWriter, progress: Progress) -> dict[str, int]:
    """Dump a consistent state while the database is in use. Return the rows of each table."""
    _require("pg_dump", version())
    with _snapshot() as snapshot:
        rows = count_rows()
        options = ("--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}")
        # A migration holds locks that a dump would wait for.
        command = ["pg_dump", *options, "--lock-wait-timeout=60s", *_target()]
        with writer.member(MEMBER) as sink, _running(command, stdout=subprocess.PIPE) as process:
            assert process.stdout  # noqa: S101  (for mypy)
            reported = 0
            while chunk := process.stdout.read(_CHUNK):
                sink.write(chunk)
                if sink.size - reported >= _REPORT_EVERY:
                    reported = sink.size
                    progress(f"Database: {sink.size // 2**20} MiB …")
    return rows


@contextmanager
def _snapshot() -> Iterator[str]:
    """The counts and the dump see the same rows."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        yield cursor.fetchone()[0]


def load(archive: Archive) -> None:
    """Replace the database in one transaction: if anything fails, it stays as it was."""
    made_by = int(archive.manifest["database_version"])
    if version() < made_by:
        raise ProgramError(f"The archive needs PostgreSQL {made_by} or newer.")
    _require("pg_restore", made_by)
    _require("psql", made_by)
    connection.close()
    options = ("--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1")
    psql = ["psql", *options, "--single-transaction", "--file=-", *_target()]
    unpack = ["pg_restore", "--file=-", "--no-owner", "--no-privileges", "--no-comments"]
    with (
        archive.path.open("rb", buffering=0) as file,
        _running(psql, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as target,
    ):
        file.seek(archive.offset(MEMBER))
        assert target.stdin  # noqa: S101  (for mypy)
        try:
            target.stdin.write(_DROP_ALL.encode())
            # If this fails, psql is killed and its transaction is rolled back.
            with _running(unpack, stdin=file, stdout=subprocess.PIPE) as source:
                assert source.stdout  # noqa: S101  (for mypy)
                shutil.copyfileobj(source.stdout, target.stdin, _CHUNK)
            target.stdin.close()
        except BrokenPipeError:
            target.wait()  # it failed first; _running() reports its message
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def version() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int / 10000")
        return int(cursor.fetchone()[0])


@contextmanager
def _running(
    command: list[str], *, stdout: int, stdin: IO[bytes] | int = subprocess.DEVNULL
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program in the block. Raises ProgramError with its message if it fails."""
    with tempfile.TemporaryFile() as messages:
        process = subprocess.Popen(  # noqa: S603
            command, stdin=stdin, stdout=stdout, stderr=messages, env=_environment()
        )
        try:
            yield process
            failed = process.wait() != 0
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            for pipe in filter(None, (process.stdin, process.stdout)):
                with suppress(BrokenPipeError):  # of a process that ended early
                    pipe.close()
        if failed:
            messages.seek(0)
            text = messages.read().decode(errors="replace").strip()
            raise ProgramError(f"{command[0]} failed: {text}")


def _target() -> list[str]:
    """Host, port, user and database. The password is in the environment."""
    return DatabaseClient.settings_to_cmd_args_env(connection.settings_dict, [])[0][1:]


def _environment() -> dict[str, str]:
    own = DatabaseClient.settings_to_cmd_args_env(connection.settings_dict, [])[1]
    return {**os.environ, **(own or {})}


def _require(program: str, needed: int) -> None:
    if not shutil.which(program):
        raise ProgramError(f"{program} is not installed. On Debian: apt install postgresql-client")
    text = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603
    found = re.search(r"\) (\d+)", text)
    if found and int(found[1]) < needed:
        raise ProgramError(
            f"{program} {found[1]} is too old for PostgreSQL {needed}. "
            f"Install postgresql-client-{needed}."
        )
