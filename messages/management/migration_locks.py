"""Finds migrations that lock a large PostgreSQL table for long, from their SQL.

While such a lock is held, pages wait and callbacks go to the spool. The SQL is made without a
database. Locks of a moment, such as for a new column, are accepted.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.backends.postgresql.operations import DatabaseOperations
from django.db.migrations import Migration, RunPython, RunSQL
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from psycopg import sql as literals

APP: Final = "whatsapp"
# The state of the last version before 1.0, from which production is updated. It is a squashed
# migration: it only runs on an empty database.
BASELINE: Final = "0001_version_1"
# Tables that grow with the number of messages. All others are small, so nothing on them is slow.
_LARGE: Final = (
    *("alias", "answer", "auditevent", "callback", "followup", "forward", "knownaddress", "label"),
    *("message", "otheraddress", "statusevent", "writing"),
)
# Migrations after the baseline that are accepted, and why.
EXEMPT: Final = {
    "0050_dispatched": "the data are the few saved views, and the columns are only renamed",
    "0063_announcements": "the data are the few saved views",
}

_TABLE: Final = rf'"{APP}_(?:{"|".join(_LARGE)})"'
# Functions whose value is the same for all rows of a statement, so that no row is written.
_STABLE: Final = r"(?:now|statement_timestamp|transaction_timestamp)\("
_RULES: Final = [
    (
        rf"ALTER TABLE {_TABLE} ADD COLUMN [^;]*DEFAULT \(?(?!{_STABLE})\w+\(",
        "adds a column with a volatile default, which rewrites the table",
    ),
    (
        rf"ALTER TABLE {_TABLE} ADD COLUMN [^;]*(GENERATED|SERIAL)",
        "adds a computed column, which rewrites the table",
    ),
    (rf"ALTER TABLE {_TABLE} ALTER COLUMN \S+ TYPE", "changes a type, which rewrites the table"),
    (
        rf"ALTER TABLE {_TABLE} ALTER COLUMN \S+ SET NOT NULL",
        "sets NOT NULL, which reads the table. Add a NOT VALID check and validate it first",
    ),
    (
        rf"ALTER TABLE {_TABLE} (ADD CONSTRAINT|ADD COLUMN [^;]*(REFERENCES|UNIQUE))"
        r"(?![^;]*(NOT VALID|USING INDEX))",
        "adds a constraint, which reads the table. Add it as NOT VALID and validate it later",
    ),
    (
        rf"CREATE (UNIQUE )?INDEX (?!CONCURRENTLY)[^;]*ON {_TABLE}",
        "builds an index, which stops writes. Use AddIndexWithoutLock",
    ),
]


def problems() -> Iterator[str]:
    """The problems of all migrations after the baseline that are not exempt."""
    loader = MigrationLoader(None)
    state = ProjectState(real_apps=loader.unmigrated_apps)
    is_newer = False
    for app, name in _plan(loader):
        migration = loader.graph.nodes[app, name]
        if is_newer and app == APP and name not in EXEMPT:
            yield from (f"{name} {problem}." for problem in problems_of(migration, state))
        migration.mutate_state(state, preserve=False)
        is_newer = is_newer or (app, name) == (APP, BASELINE)


def problems_of(migration: Migration, before: ProjectState) -> Iterator[str]:
    statements = _sql(migration, before)
    created = set(re.findall(r"CREATE TABLE (\S+)", "\n".join(statements)))
    for statement in statements:
        if created & set(re.findall(r'(?:TABLE|ON) ("\w+")', statement)):
            continue
        for pattern, problem in _RULES:
            if re.search(pattern, statement, re.IGNORECASE):
                yield problem
    if migration.atomic and _changes_data(migration) and any(map(_locks, statements)):
        yield (
            "changes a table and data in one transaction, which holds the lock all the time. "
            "Make two migrations"
        )


def _plan(loader: MigrationLoader) -> list[tuple[str, str]]:
    steps: list[tuple[str, str]] = []
    for leaf in loader.graph.leaf_nodes(APP):
        steps += [step for step in loader.graph.forwards_plan(leaf) if step not in steps]
    return steps


def _changes_data(migration: Migration) -> bool:
    return any(isinstance(one, RunPython | RunSQL) for one in migration.operations)


def _locks(statement: str) -> bool:
    return statement.startswith("ALTER TABLE")


def _sql(migration: Migration, before: ProjectState) -> list[str]:
    editor = _OfflineConnection().schema_editor(collect_sql=True, atomic=False)
    # Otherwise each operation would open a transaction.
    editor.atomic_migration = True
    editor.deferred_sql = []
    migration.apply(before.clone(), editor, collect_sql=True)
    return [str(one) for one in (*editor.collected_sql, *editor.deferred_sql)]


class _OfflineOperations(DatabaseOperations):
    def compose_sql(self, sql: str, params: Any) -> str:
        return sql % tuple(literals.quote(value) for value in params or ())


class _OfflineConnection(DatabaseWrapper):
    """Writes SQL for PostgreSQL without connecting to it."""

    ops_class = _OfflineOperations
    pg_version = 140_000

    def __init__(self) -> None:
        super().__init__({"NAME": "", "OPTIONS": {}, "TIME_ZONE": None})
