from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from messages.models.functions import LastDigits

# PostgreSQL had them already, of the digits from behind.
ENDS = (
    "CREATE INDEX known_address_ends ON whatsapp_knownaddress (reverse(address) text_pattern_ops)",
    "CREATE INDEX alias_number_ends ON whatsapp_alias (reverse(number) text_pattern_ops)",
)
DROP = "DROP INDEX IF EXISTS known_address_ends, alias_number_ends"


def drop_reversed(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(DROP)


def index_reversed(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        for statement in ENDS:
            schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [
        ("whatsapp", "0030_find_by_time_of_sending"),
    ]

    operations = [
        migrations.RunPython(drop_reversed, index_reversed),
        migrations.AddIndex(
            model_name="alias",
            index=models.Index(LastDigits("number"), name="alias_number_ends"),
        ),
        migrations.AddIndex(
            model_name="knownaddress",
            index=models.Index(LastDigits("address"), name="known_address_ends"),
        ),
    ]
