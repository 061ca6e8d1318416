from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class AddIndexWithoutLock(AddIndexConcurrently):
    """Callbacks can be written while PostgreSQL builds it; SQLite has nothing of the kind."""

    def database_forwards(self, app_label: str, schema_editor: Any, *states: Any) -> None:
        is_postgresql = schema_editor.connection.vendor == "postgresql"
        operation = AddIndexConcurrently if is_postgresql else migrations.AddIndex
        operation.database_forwards(self, app_label, schema_editor, *states)

    def database_backwards(self, app_label: str, schema_editor: Any, *states: Any) -> None:
        is_postgresql = schema_editor.connection.vendor == "postgresql"
        operation = AddIndexConcurrently if is_postgresql else migrations.AddIndex
        operation.database_backwards(self, app_label, schema_editor, *states)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("whatsapp", "0045_unknown_types_contacts_and_numbers"),
    ]

    operations = [
        AddIndexWithoutLock(
            model_name="callback",
            index=models.Index(
                fields=["id"],
                name="callback_with_cause",
                condition=models.Q(("cause", ""), _negated=True),
            ),
        ),
    ]
