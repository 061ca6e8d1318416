"""The status ACCEPTED is called DISPATCHED: Z-API has handed the message to WhatsApp by then."""

from typing import Final

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.http import QueryDict

_FILTERS: Final = ("status", "reached")


def rename_in_views(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    _rename_in_views(apps, schema_editor, "accepted", "dispatched")


def restore_in_views(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    _rename_in_views(apps, schema_editor, "dispatched", "accepted")


def _rename_in_views(
    apps: StateApps, schema_editor: BaseDatabaseSchemaEditor, old: str, new: str
) -> None:
    views = apps.get_model("whatsapp", "SavedView").objects.using(schema_editor.connection.alias)
    for view in views.filter(query__contains=old):
        query = QueryDict(view.query, mutable=True)
        for name in set(query) & set(_FILTERS):
            query.setlist(name, [new if value == old else value for value in query.getlist(name)])
        views.filter(pk=view.pk).update(query=query.urlencode())


class Migration(migrations.Migration):
    dependencies = [
        ("whatsapp", "0001_version_1"),
    ]

    operations = [
        migrations.RenameField("message", "accepted_at", "dispatched_at"),
        migrations.RenameField("hourlysummary", "accepted", "dispatched"),
        migrations.RenameField("dailysummary", "accepted", "dispatched"),
        migrations.AlterField(
            model_name="message",
            name="dispatched_at",
            field=models.DateTimeField(null=True, verbose_name="dispatched"),
        ),
        migrations.AlterField(
            model_name="hourlysummary",
            name="dispatched",
            field=models.IntegerField(default=0, verbose_name="dispatched"),
        ),
        migrations.AlterField(
            model_name="dailysummary",
            name="dispatched",
            field=models.IntegerField(default=0, verbose_name="dispatched"),
        ),
        migrations.AlterField(
            model_name="statusevent",
            name="status",
            field=models.CharField(
                choices=[
                    ("DISPATCHED", "Dispatched"),
                    ("PENDING", "Pending"),
                    ("SENT", "Sent"),
                    ("FAILED", "Failed"),
                    ("RECEIVED", "Delivered"),
                    ("READ", "Read"),
                    ("PLAYED", "Played"),
                    ("READ_BY_ME", "Read by us"),
                    ("PLAYED_BY_ME", "Played by us"),
                    ("UNKNOWN", "Unknown"),
                ],
                max_length=16,
                verbose_name="status",
            ),
        ),
        migrations.RunPython(rename_in_views, restore_in_views),
    ]
