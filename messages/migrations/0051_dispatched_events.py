"""Events of the status that is now called DISPATCHED, renamed some thousands at a time.

It may be stopped and run again.
"""

from typing import Final

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models import Max

_BATCH: Final = 20_000


def rename(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    _rename(apps, schema_editor, "ACCEPTED", "DISPATCHED")


def restore(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    _rename(apps, schema_editor, "DISPATCHED", "ACCEPTED")


def _rename(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor, old: str, new: str) -> None:
    events = apps.get_model("whatsapp", "StatusEvent").objects
    events = events.using(schema_editor.connection.alias)
    newest = events.aggregate(newest=Max("pk"))["newest"] or 0
    for start in range(0, newest + 1, _BATCH):
        batch = events.filter(pk__gte=start, pk__lt=start + _BATCH)
        batch.filter(status=old).update(status=new)


class Migration(migrations.Migration):
    # Whoever writes meanwhile waits for one batch at the most.
    atomic = False

    dependencies = [
        ("whatsapp", "0050_dispatched"),
    ]

    operations = [
        migrations.RunPython(rename, restore),
    ]
