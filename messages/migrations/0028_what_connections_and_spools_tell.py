from datetime import timedelta

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models import F
from django.utils import timezone


def take_over_moments(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """What was believed of the far future is unknown, so that the next report counts again."""
    instances = apps.get_model("whatsapp", "Instance").objects.using(schema_editor.connection.alias)
    tomorrow = timezone.now() + timedelta(days=1)
    instances.filter(connection_changed_at__gt=tomorrow).update(connection_changed_at=None)
    instances.update(connection_reported_at=F("connection_changed_at"))


class Migration(migrations.Migration):
    dependencies = [
        ("whatsapp", "0027_tokens_others_hooks_and_attempts"),
    ]

    operations = [
        migrations.AddField(
            model_name="erasure",
            name="only_spool_left",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="instance",
            name="connection_reported_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.RunPython(take_over_moments, migrations.RunPython.noop),
    ]
