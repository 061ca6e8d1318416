"""Labels announce messages. Saved views filter by the kind of message instead of groups."""

from typing import Final

import django.core.validators
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

_KINDS: Final = {
    "groups=1": "kind=group&kind=list&kind=channel",
    "groups=0": "kind=individual",
}


def name_kinds(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    views = apps.get_model("whatsapp", "SavedView").objects.using(schema_editor.connection.alias)
    for view in views.filter(query__contains="groups="):
        parts = [_KINDS.get(part, part) for part in view.query.split("&")]
        views.filter(pk=view.pk).update(query="&".join(parts))


class Migration(migrations.Migration):
    dependencies = [
        ("whatsapp", "0062_failure_indexes"),
    ]

    operations = [
        migrations.AddField(
            model_name="instance",
            name="unconfirmed_after",
            field=models.PositiveSmallIntegerField(
                db_default=10,
                default=10,
                help_text="A message announced by your software counts as never confirmed if Z-API "
                "has reported nothing by then.",
                validators=[django.core.validators.MinValueValidator(1)],
                verbose_name="never confirmed after (minutes)",
            ),
        ),
        migrations.AddField(
            model_name="label",
            name="awaited_since",
            field=models.DateTimeField(editable=False, null=True, verbose_name="announced"),
        ),
        migrations.AlterField(
            model_name="incident",
            name="kind",
            field=models.CharField(
                choices=[
                    ("disconnected", "Instance disconnected"),
                    ("webhook", "Wrong webhook URL"),
                    ("restricted", "Restricted by WhatsApp"),
                    ("no worker", "No worker is running"),
                    ("deaf", "No callbacks are arriving"),
                    ("filtered", "Callbacks filtered at Z-API"),
                    ("number", "Number changed"),
                    ("silent", "Connected, but no callbacks"),
                    ("unreachable", "Cannot reach Z-API"),
                    ("unconfirmed", "Messages never confirmed"),
                    ("stuck", "Messages stuck"),
                    ("failing", "High failure rate"),
                    ("forwarding", "Forwarding is failing"),
                    ("spool", "Offline buffer not empty"),
                    ("stranger", "Callbacks from another instance"),
                    ("guessing", "Many failed phone searches"),
                    ("quarantine", "Rejected callbacks"),
                    ("worker", "A worker stopped"),
                    ("job", "A worker job is overdue"),
                    ("channel", "Notifications are failing"),
                    ("expiring", "Subscription expiring"),
                ],
                max_length=16,
                verbose_name="kind",
            ),
        ),
        # The former filter still works, so there is nothing to restore.
        migrations.RunPython(name_kinds, migrations.RunPython.noop),
    ]
