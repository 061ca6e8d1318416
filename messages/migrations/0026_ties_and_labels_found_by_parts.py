from django.db import DatabaseError, migrations, models, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

# Of PostgreSQL alone, as in 0021_known_addresses.
ENDS = "CREATE INDEX alias_number_ends ON whatsapp_alias (reverse(number) text_pattern_ops)"
HOLDS = "CREATE INDEX alias_number_holds ON whatsapp_alias USING gin (number gin_trgm_ops)"
DROP = "DROP INDEX IF EXISTS alias_number_ends, alias_number_holds"


def index_parts(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    schema_editor.execute(ENDS)
    try:
        with transaction.atomic(schema_editor.connection.alias):
            schema_editor.execute(HOLDS)
    except DatabaseError:
        pass  # without pg_trgm: parts of a number are found too, only not as fast


def drop_indexes(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(DROP)


class Migration(migrations.Migration):
    dependencies = [
        ("whatsapp", "0025_kinds_of_trouble"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="alias", name="alias_number"),
        migrations.AddIndex(
            model_name="alias",
            index=models.Index(
                fields=["number"], name="alias_number_begins", opclasses=["varchar_pattern_ops"]
            ),
        ),
        migrations.RunPython(index_parts, drop_indexes),
    ]
