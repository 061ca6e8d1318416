from django.db import ProgrammingError, migrations, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models import F

from messages.domain import addresses
from messages.models.label import folded

SLICE = 5000
# As for label_folded in 0026_ties_and_labels_found_by_parts.
HOLDS = "CREATE INDEX label_masked_holds ON whatsapp_label USING gin (label_masked gin_trgm_ops)"
DROP = "DROP INDEX IF EXISTS label_masked_holds"


def mask(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """The database copies the many without a number; the others are written one by one."""
    labels = apps.get_model("whatsapp", "Label").objects.using(schema_editor.connection.alias)
    labels.update(label_masked=F("label_folded"))
    after = 0
    while rows := labels.filter(pk__gt=after).order_by("pk").values_list("pk", "label")[:SLICE]:
        others = [
            labels.model(pk=pk, label_masked=folded(shown))
            for pk, label in rows
            if (shown := addresses.mask_numbers(label)) != label
        ]
        labels.bulk_update(others, ["label_masked"], batch_size=500)
        after = max(pk for pk, _ in rows)


def index(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    # A row that was changed twice waits for its foreign key to be checked, and no index is made.
    schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    try:
        with transaction.atomic(schema_editor.connection.alias):
            schema_editor.execute(HOLDS)
    except ProgrammingError:
        pass  # without pg_trgm


def drop_index(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(DROP)


class Migration(migrations.Migration):
    dependencies = [
        ("whatsapp", "0039_number_searches"),
    ]

    operations = [
        migrations.RunPython(mask, migrations.RunPython.noop),
        migrations.RunPython(index, drop_index),
    ]
