from django.db import ProgrammingError, migrations, models, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models.functions import Lower

from messages.models.label import FoldedField, folded

SLICE = 5000
# Of PostgreSQL alone, as in 0021_known_addresses.
ENDS = "CREATE INDEX alias_number_ends ON whatsapp_alias (reverse(number) text_pattern_ops)"
HOLDS = "CREATE INDEX alias_number_holds ON whatsapp_alias USING gin (number gin_trgm_ops)"
DROP = "DROP INDEX IF EXISTS alias_number_ends, alias_number_holds"
# Of labels as they are written, and folded.
LABEL_HOLDS = "CREATE INDEX label_holds ON whatsapp_label USING gin (upper(label) gin_trgm_ops)"
FOLDED_HOLDS = "CREATE INDEX label_holds ON whatsapp_label USING gin (label_folded gin_trgm_ops)"
DROP_LABEL_HOLDS = "DROP INDEX IF EXISTS label_holds"


def fold(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """The database does the many that are plain ASCII; the others one by one."""
    labels = apps.get_model("whatsapp", "Label").objects.using(schema_editor.connection.alias)
    labels.update(label_folded=Lower("label"))
    after = 0
    while rows := labels.filter(pk__gt=after).order_by("pk").values_list("pk", "label")[:SLICE]:
        others = [
            labels.model(pk=pk, label_folded=folded(label))
            for pk, label in rows
            if not label.isascii()
        ]
        labels.bulk_update(others, ["label_folded"], batch_size=500)
        after = max(pk for pk, _ in rows)


def index_folded(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    _index_labels(schema_editor, FOLDED_HOLDS)


def index_written(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    _index_labels(schema_editor, LABEL_HOLDS)


def _index_labels(schema_editor: BaseDatabaseSchemaEditor, statement: str) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    # A row that was changed twice waits for its foreign key to be checked, and no index is made.
    schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    schema_editor.execute(DROP_LABEL_HOLDS)
    try:
        with transaction.atomic(schema_editor.connection.alias):
            schema_editor.execute(statement)
    except ProgrammingError:
        pass  # without pg_trgm


def index_parts(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    schema_editor.execute(ENDS)
    try:
        with transaction.atomic(schema_editor.connection.alias):
            schema_editor.execute(HOLDS)
    except ProgrammingError:
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
        migrations.AddField(
            model_name="label",
            name="label_folded",
            field=FoldedField(blank=True, default="", editable=False),
        ),
        migrations.RunPython(fold, migrations.RunPython.noop),
        migrations.RunPython(index_folded, index_written),
    ]
