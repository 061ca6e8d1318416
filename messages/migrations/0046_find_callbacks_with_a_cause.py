from django.db import migrations, models

from ._without_lock import AddIndexWithoutLock


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("whatsapp", "0045_unknown_types_contacts_and_numbers"),
    ]

    operations = [
        AddIndexWithoutLock(
            model_name="callback",
            index=models.Index(
                fields=["id"],
                name="callback_with_cause",
                condition=models.Q(("cause", ""), _negated=True),
            ),
        ),
    ]
