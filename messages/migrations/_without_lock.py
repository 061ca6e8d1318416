from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


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
