from django.db import DatabaseError, migrations, models, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

FILL = (
    "INSERT INTO whatsapp_knownaddress (address)"
    " SELECT DISTINCT phone FROM whatsapp_message WHERE phone <> ''"
)
EMPTY = "DELETE FROM whatsapp_knownaddress"
# Of PostgreSQL alone, as in 0013_search_for_people: the same two indexes, over far fewer rows.
ENDS = "CREATE INDEX {name}_ends ON {table} (reverse({column}) text_pattern_ops)"
HOLDS = "CREATE INDEX {name}_holds ON {table} USING gin ({column} gin_trgm_ops)"
DROP = "DROP INDEX IF EXISTS {name}_ends, {name}_holds"
OF_MESSAGES = {"name": "message_phone", "table": "whatsapp_message", "column": "phone"}
OF_ADDRESSES = {"name": "known_address", "table": "whatsapp_knownaddress", "column": "address"}


def move_to_addresses(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    _move(schema_editor, OF_MESSAGES, OF_ADDRESSES)


def move_to_messages(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    _move(schema_editor, OF_ADDRESSES, OF_MESSAGES)


def _move(
    schema_editor: BaseDatabaseSchemaEditor, before: dict[str, str], after: dict[str, str]
) -> None:
    """The old ones last: from then on until the end no callback can be written."""
    if schema_editor.connection.vendor != "postgresql":
        return
    schema_editor.execute(ENDS.format(**after))
    try:
        with transaction.atomic(schema_editor.connection.alias):
            schema_editor.execute(HOLDS.format(**after))
    except DatabaseError:
        pass  # without pg_trgm: parts of a number are found too, only not as fast
    schema_editor.execute(DROP.format(**before))


class Migration(migrations.Migration):
    dependencies = [
        ("whatsapp", "0020_follow_ups_set_aside"),
    ]

    operations = [
        migrations.CreateModel(
            name="KnownAddress",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("address", models.CharField(max_length=128, verbose_name="address")),
            ],
            options={
                "verbose_name": "known address",
                "verbose_name_plural": "known addresses",
                "constraints": [
                    models.UniqueConstraint(fields=("address",), name="known_address_once")
                ],
            },
        ),
        migrations.RunSQL(FILL, EMPTY),
        migrations.RunPython(move_to_addresses, move_to_messages),
    ]
