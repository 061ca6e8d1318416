from django.db import migrations, models

from messages.migrations._without_lock import AddIndexWithoutLock


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("whatsapp", "0063_announcements"),
    ]

    operations = [
        AddIndexWithoutLock(
            "label",
            models.Index(
                condition=models.Q(awaited_since__isnull=False),
                fields=["-awaited_since", "-id"],
                name="label_awaited",
            ),
        ),
    ]
