import django.db.models.deletion
from django.conf import settings
from django.db import DatabaseError, migrations, models, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

# Of PostgreSQL alone: the model cannot name them, because the first needs an extension and neither
# is known to SQLite, which looks through its fewer rows instead.
ENDS = "CREATE INDEX message_phone_ends ON whatsapp_message (reverse(phone) text_pattern_ops)"
HOLDS = (
    "CREATE INDEX message_phone_holds ON whatsapp_message USING gin (phone gin_trgm_ops)",
    "CREATE INDEX label_holds ON whatsapp_label USING gin (upper(label) gin_trgm_ops)",
)
DROP = "DROP INDEX IF EXISTS message_phone_ends, message_phone_holds, label_holds"


def index_parts(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    schema_editor.execute(ENDS)
    try:
        with transaction.atomic(schema_editor.connection.alias):
            schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseError:
        # Not allowed, or not installed: parts of a number are found too, only not as fast.
        return
    for statement in HOLDS:
        schema_editor.execute(statement)


def drop_indexes(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(DROP)


class Migration(migrations.Migration):
    dependencies = [
        ("whatsapp", "0012_discarded_callbacks"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Alias",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("lid", models.CharField(max_length=128, verbose_name="LID")),
                ("number", models.CharField(max_length=128, verbose_name="number")),
                ("seen_at", models.DateTimeField(auto_now_add=True, verbose_name="first seen")),
                (
                    "instance",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="aliases",
                        to="whatsapp.instance",
                        verbose_name="instance",
                    ),
                ),
            ],
            options={
                "verbose_name": "alias",
                "verbose_name_plural": "aliases",
                "indexes": [models.Index(fields=["number"], name="alias_number")],
                "constraints": [
                    models.UniqueConstraint(fields=("lid", "number", "instance"), name="alias_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="OtherAddress",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("phone", models.CharField(max_length=128, verbose_name="address")),
                (
                    "message",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="other_addresses",
                        to="whatsapp.message",
                        verbose_name="message",
                    ),
                ),
            ],
            options={
                "verbose_name": "other address",
                "verbose_name_plural": "other addresses",
                "indexes": [models.Index(fields=["phone"], name="other_address_phone")],
                "constraints": [
                    models.UniqueConstraint(fields=("message", "phone"), name="other_address_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="SavedView",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=60, verbose_name="name")),
                ("query", models.CharField(blank=True, max_length=1000, verbose_name="query")),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="saved_views",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "verbose_name": "saved view",
                "verbose_name_plural": "saved views",
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(fields=("user", "name"), name="saved_view_once")
                ],
            },
        ),
        migrations.RemoveIndex(model_name="message", name="message_phone"),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                fields=["phone", "-first_heard_at"],
                name="message_phone_begins",
                opclasses=["varchar_pattern_ops", "timestamptz_ops"],
            ),
        ),
        migrations.RunPython(index_parts, drop_indexes),
    ]
