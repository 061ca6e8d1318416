"""`manage.py check_migrations` finds migrations that lock a large table for long."""

import pytest
from django.contrib.postgres.functions import RandomUUID
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.models.functions import Now

from messages.management.migration_locks import problems, problems_of
from messages.migrations._without_lock import AddIndexWithoutLock

INDEX = models.Index(fields=["failure"], name="by_failure")
BY_INSTANCE = models.Index(fields=["name"], name="by_name")
POSITIVE = models.CheckConstraint(condition=models.Q(rank__gte=0), name="positive")
ONCE = models.UniqueConstraint(fields=["zapi_id", "phone"], name="once")


def do_nothing(apps, schema_editor):
    """Stand in for a change of data."""


def found(*operations, atomic=True):
    migration = type("Migration", (migrations.Migration,), {"atomic": atomic})(
        "9999_new", "whatsapp"
    )
    migration.operations = list(operations)
    return " ".join(problems_of(migration, MigrationLoader(None).project_state()))


BAD: dict[str, list[Operation]] = {
    "builds an index": [migrations.AddIndex("message", INDEX)],
    "changes a type": [migrations.AlterField("message", "rank", models.BigIntegerField())],
    "sets NOT NULL": [
        migrations.AlterField("message", "read_at", models.DateTimeField(db_default=Now()))
    ],
    "adds a column with a volatile default": [
        migrations.AddField("message", "token", models.UUIDField(db_default=RandomUUID()))
    ],
    "adds a constraint": [migrations.AddConstraint("message", POSITIVE)],
    "changes a table and data": [
        migrations.AddField("message", "note", models.TextField(db_default="")),
        migrations.RunPython(do_nothing),
    ],
}
GOOD: dict[str, list[Operation]] = {
    "new column": [migrations.AddField("message", "note", models.TextField(db_default=""))],
    "new column with the time": [
        migrations.AddField("message", "noted_at", models.DateTimeField(db_default=Now()))
    ],
    "data alone": [migrations.RunPython(do_nothing)],
    "index on a small table": [migrations.AddIndex("instance", BY_INSTANCE)],
    "new table": [
        migrations.CreateModel(
            "Note",
            [("id", models.BigAutoField(primary_key=True)), ("text", models.TextField())],
            options={"indexes": [models.Index(fields=["text"], name="by_text")]},
        )
    ],
}


@pytest.mark.parametrize("problem", BAD)
def test_migration_that_locks_a_large_table_is_reported(problem):
    assert problem in found(*BAD[problem])


def test_unique_constraint_is_reported():
    assert "adds a constraint" in found(migrations.AddConstraint("message", ONCE))


@pytest.mark.parametrize("name", GOOD)
def test_migration_without_a_long_lock_is_accepted(name):
    assert found(*GOOD[name]) == ""


def test_index_that_is_built_without_lock_is_accepted():
    assert found(AddIndexWithoutLock("message", INDEX), atomic=False) == ""


def test_own_migrations_hold_no_long_lock():
    assert not list(problems())
