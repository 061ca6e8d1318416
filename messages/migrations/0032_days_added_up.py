import django.db.models.deletion
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

DAY = {"postgresql": "(hour AT TIME ZONE 'UTC')::date", "sqlite": "date(hour)"}
FILL = (
    "INSERT INTO whatsapp_dailysummary (day, instance_id, is_group, computed_at, {counts})"
    " SELECT {day}, instance_id, is_group, max(computed_at), {sums}"
    " FROM whatsapp_hourlysummary GROUP BY {day}, instance_id, is_group"
)
KEY = {"id", "day", "instance", "is_group", "computed_at"}


def add_up(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """The hours that are there already."""
    fields = apps.get_model("whatsapp", "DailySummary")._meta.concrete_fields
    counts = [field.column for field in fields if field.name not in KEY]
    names = {
        "day": DAY[schema_editor.connection.vendor],
        "counts": ", ".join(counts),
        "sums": ", ".join(f"sum({column})" for column in counts),
    }
    schema_editor.execute(FILL.format(**names))


class Migration(migrations.Migration):
    dependencies = [
        ("whatsapp", "0031_find_by_last_digits"),
    ]

    operations = [
        migrations.CreateModel(
            name="DailySummary",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("is_group", models.BooleanField(verbose_name="group")),
                ("messages", models.IntegerField(default=0, verbose_name="messages")),
                ("accepted", models.IntegerField(default=0, verbose_name="accepted")),
                ("sent", models.IntegerField(default=0, verbose_name="sent")),
                ("delivered", models.IntegerField(default=0, verbose_name="delivered")),
                ("read", models.IntegerField(default=0, verbose_name="read")),
                ("played", models.IntegerField(default=0, verbose_name="played")),
                ("failed", models.IntegerField(default=0, verbose_name="failed")),
                (
                    "waiting_to_send",
                    models.IntegerField(default=0, verbose_name="waiting to be sent"),
                ),
                (
                    "waiting_to_deliver",
                    models.IntegerField(default=0, verbose_name="waiting for delivery"),
                ),
                ("computed_at", models.DateTimeField(verbose_name="counted")),
                ("delivered_within_1", models.IntegerField(default=0)),
                ("delivered_within_2", models.IntegerField(default=0)),
                ("delivered_within_4", models.IntegerField(default=0)),
                ("delivered_within_8", models.IntegerField(default=0)),
                ("delivered_within_15", models.IntegerField(default=0)),
                ("delivered_within_30", models.IntegerField(default=0)),
                ("delivered_within_60", models.IntegerField(default=0)),
                ("delivered_within_120", models.IntegerField(default=0)),
                ("delivered_within_240", models.IntegerField(default=0)),
                ("delivered_within_480", models.IntegerField(default=0)),
                ("delivered_within_900", models.IntegerField(default=0)),
                ("delivered_within_1800", models.IntegerField(default=0)),
                ("delivered_within_3600", models.IntegerField(default=0)),
                ("delivered_within_7200", models.IntegerField(default=0)),
                ("delivered_within_14400", models.IntegerField(default=0)),
                ("delivered_within_28800", models.IntegerField(default=0)),
                ("delivered_within_86400", models.IntegerField(default=0)),
                ("delivered_timed", models.IntegerField(default=0)),
                ("read_within_1", models.IntegerField(default=0)),
                ("read_within_2", models.IntegerField(default=0)),
                ("read_within_4", models.IntegerField(default=0)),
                ("read_within_8", models.IntegerField(default=0)),
                ("read_within_15", models.IntegerField(default=0)),
                ("read_within_30", models.IntegerField(default=0)),
                ("read_within_60", models.IntegerField(default=0)),
                ("read_within_120", models.IntegerField(default=0)),
                ("read_within_240", models.IntegerField(default=0)),
                ("read_within_480", models.IntegerField(default=0)),
                ("read_within_900", models.IntegerField(default=0)),
                ("read_within_1800", models.IntegerField(default=0)),
                ("read_within_3600", models.IntegerField(default=0)),
                ("read_within_7200", models.IntegerField(default=0)),
                ("read_within_14400", models.IntegerField(default=0)),
                ("read_within_28800", models.IntegerField(default=0)),
                ("read_within_86400", models.IntegerField(default=0)),
                ("read_timed", models.IntegerField(default=0)),
                ("day", models.DateField(verbose_name="day")),
                (
                    "instance",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="whatsapp.instance",
                        verbose_name="instance",
                    ),
                ),
            ],
            options={
                "verbose_name": "daily summary",
                "verbose_name_plural": "daily summaries",
            },
        ),
        migrations.RemoveIndex(
            model_name="hourlysummary",
            name="hourly_summary_instance",
        ),
        migrations.AddConstraint(
            model_name="dailysummary",
            constraint=models.UniqueConstraint(
                fields=("day", "instance", "is_group"), name="daily_summary_once"
            ),
        ),
        migrations.RunPython(add_up, migrations.RunPython.noop),
    ]
