"""Copies an SQLite database to PostgreSQL, table by table in the order of the primary key.

Each batch is one transaction of PostgreSQL, together with a mark that says how far the copy is. So
an interrupted copy continues with the next batch. At the end both databases are read again, and the
rows are compared by a hash of each batch.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.core.management.color import no_style
from django.db import DEFAULT_DB_ALIAS, Error, connections, models, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from environ import Env

from .archive import Progress
from .tables import MADE_BY_MIGRATE, table_with_data, tables

SOURCE, TARGET = DEFAULT_DB_ALIAS, "move"
_BATCH: Final = 5_000
_MARKS: Final = "statusboard_move"
# The mark that says which database is copied.
_WHOLE: Final = ""
Row = Sequence[Any]


class MoveError(Exception):
    """The database cannot be moved. The error says why."""


@dataclass(frozen=True)
class _Table:
    """A table and its columns. The first column is the primary key."""

    name: str
    columns: tuple[str, ...]
    kinds: tuple[str, ...]

    @classmethod
    def of(cls, model: type[models.Model]) -> "_Table":
        key = model._meta.pk
        fields = [key, *(one for one in model._meta.local_concrete_fields if one is not key)]
        columns = tuple(f'"{field.column}"' for field in fields)
        return cls(model._meta.db_table, columns, tuple(_kind(field) for field in fields))

    def batches(self, alias: str, after: Any = None) -> Iterator[list[Row]]:
        """Yield the rows after this key, as the driver of the database gives them."""
        key = self.columns[0]
        if alias == TARGET and self.kinds[0] == "CharField":
            key += ' COLLATE "C"'  # the order of SQLite
        select = f'SELECT {", ".join(self.columns)} FROM "{self.name}"'  # noqa: S608
        order = f"ORDER BY {key} LIMIT {_BATCH}"
        with connections[alias].cursor() as cursor:
            while True:
                if after is None:
                    cursor.execute(f"{select} {order}")
                else:
                    cursor.execute(f"{select} WHERE {key} > %s {order}", [after])
                rows = cursor.fetchall()
                if not rows:
                    return
                yield rows
                after = rows[-1][0]

    def hashes(self, alias: str) -> Iterator[tuple[str, Any, int]]:
        """Yield of each batch a hash, the last key and the number of rows."""
        for rows in self.batches(alias):
            plain = [tuple(map(_plain, self.kinds, row)) for row in rows]
            yield hashlib.sha256(repr(plain).encode()).hexdigest(), plain[-1][0], len(plain)


def _kind(field: Any) -> str:
    while field.remote_field:
        field = field.target_field
    return str(field.get_internal_type())


def _plain(kind: str, value: Any) -> Any:
    """The value in a form that does not depend on the database."""
    if value is None:
        return None
    if kind == "DateTimeField":
        return _in_utc(value).isoformat()
    if kind == "JSONField":
        found = json.loads(value, parse_int=_number, parse_float=_number)
        return json.dumps(found, sort_keys=True)
    if kind == "UUIDField":
        return value.hex if isinstance(value, UUID) else value
    if kind == "BinaryField":
        return bytes(value)
    return str(value) if kind == "GenericIPAddressField" else value


def _number(text: str) -> str:
    # PostgreSQL writes 1e2 as 100.
    return str(Decimal(text).normalize())


def _in_utc(value: datetime) -> datetime:
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


@contextmanager
def moved(url: str, progress: Progress) -> Iterator[int]:
    """Copy all tables to the database at `url` and compare them; give the number of rows.

    Until the end of the block nobody can write to the source: callbacks go to the spool. Raises
    MoveError; the copy can then be continued.
    """
    _require_sqlite()
    _connect(url)
    # SQLite's lock for writing.
    with transaction.atomic(using=SOURCE):
        try:
            _prepare_target(url)
            for table in map(_Table.of, tables()):
                _copy(table, progress)
            _set_sequences()
            rows = sum(_compare(table, progress) for table in map(_Table.of, tables()))
            _finish()
        except Error as error:
            raise MoveError(str(error).strip()) from error
        yield rows


def _require_sqlite() -> None:
    connection = connections[SOURCE]
    if connection.vendor != "sqlite":
        raise MoveError("DATABASE_URL must still name the SQLite database.")
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise MoveError("Run manage.py migrate first.")


def _connect(url: str) -> None:
    target = Env.db_url_config(url)
    if target["ENGINE"] != "django.db.backends.postgresql":
        raise MoveError("--to must be a URL that begins with postgres://.")
    options = {"ENGINE": "statusboard.postgresql", "OPTIONS": target.get("OPTIONS", {})}
    connections.settings[TARGET] = connections.settings[SOURCE] | target | options
    try:
        connections[TARGET].ensure_connection()
    except Error as error:
        raise MoveError(f"Cannot connect to PostgreSQL: {str(error).strip()}") from error


def _prepare_target(url: str) -> None:
    """Create the tables, unless this is a continuation. Raises MoveError if there is other data."""
    source = _fingerprint()
    if _MARKS in connections[TARGET].introspection.table_names():
        if _mark(_WHOLE) != source:
            raise MoveError("The target has an unfinished copy of another database.")
        return
    if table := table_with_data(TARGET):
        raise MoveError(f"The target is not empty: {table} has rows.")
    migrate = [sys.executable, str(settings.BASE_DIR / "manage.py"), "migrate", "--verbosity=0"]
    environment = {**os.environ, "DATABASE_URL": url}
    if subprocess.run(migrate, env=environment, check=False).returncode:  # noqa: S603
        raise MoveError("The target could not be migrated.")
    with transaction.atomic(using=TARGET), connections[TARGET].cursor() as cursor:
        cursor.execute(f"CREATE TABLE {_MARKS} (name text PRIMARY KEY, reached text)")
        for model in reversed(MADE_BY_MIGRATE):
            cursor.execute(f'DELETE FROM "{model._meta.db_table}"')  # noqa: S608
        _set_mark(_WHOLE, source)


def _fingerprint() -> str:
    """Recognises the source by the times of its migrations."""
    applied = MigrationRecorder(connections[SOURCE]).migration_qs.values_list("name", "applied")
    return hashlib.sha256(repr(sorted(applied)).encode()).hexdigest()


def _copy(table: _Table, progress: Progress) -> None:
    reached = _mark(table.name)
    after = None if reached is None else json.loads(reached)
    columns = ", ".join(table.columns)
    times = [place for place, kind in enumerate(table.kinds) if kind == "DateTimeField"]
    copied = 0
    for rows in table.batches(SOURCE, after):
        try:
            with transaction.atomic(using=TARGET), connections[TARGET].cursor() as cursor:
                with cursor.copy(f'COPY "{table.name}" ({columns}) FROM STDIN') as into:
                    for row in _with_time_zone(rows, times):
                        into.write_row(row)
                _set_mark(table.name, json.dumps(rows[-1][0]))
        except Error as error:
            raise MoveError(f"{table.name} after key {after}: {str(error).strip()}") from error
        after = rows[-1][0]
        copied += len(rows)
        progress(f"Copying {table.name}: {copied:,} …")


def _with_time_zone(rows: Iterable[Row], times: Sequence[int]) -> Iterator[Row]:
    for row in rows:
        values = list(row)
        for place in times:
            if values[place] is not None:
                values[place] = _in_utc(values[place])
        yield values


def _compare(table: _Table, progress: Progress) -> int:
    """Compare all rows and return their number. Raises MoveError."""
    compared, last = 0, None
    ours, theirs = table.hashes(SOURCE), table.hashes(TARGET)
    while (one := next(ours, None)) is not None:
        if one != next(theirs, None):
            raise MoveError(_difference(table.name, last, one[1]))
        last = one[1]
        compared += one[2]
        progress(f"Comparing {table.name}: {compared:,} …")
    if next(theirs, None) is not None:
        raise MoveError(_difference(table.name, last, None))
    return compared


def _difference(table: str, after: Any, last: Any) -> str:
    return (
        f"{table} differs between the keys {after} and {last}: the SQLite database was changed "
        "since the copy began. Create an empty PostgreSQL database and start again."
    )


def _set_sequences() -> None:
    connection = connections[TARGET]
    with connection.cursor() as cursor:
        for sql in connection.ops.sequence_reset_sql(no_style(), tables()):
            cursor.execute(sql)


def _finish() -> None:
    with connections[TARGET].cursor() as cursor:
        cursor.execute(f"DROP TABLE {_MARKS}")
        cursor.execute("ANALYZE")


def _mark(name: str) -> str | None:
    with connections[TARGET].cursor() as cursor:
        cursor.execute(f"SELECT reached FROM {_MARKS} WHERE name = %s", [name])  # noqa: S608
        found = cursor.fetchone()
    return found and str(found[0])


def _set_mark(name: str, reached: str) -> None:
    with connections[TARGET].cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {_MARKS} VALUES (%s, %s)"  # noqa: S608
            " ON CONFLICT (name) DO UPDATE SET reached = excluded.reached",
            [name, reached],
        )
