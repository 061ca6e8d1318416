from django.db import migrations, models

from ._without_lock import AddIndexWithoutLock


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("whatsapp", "0048_zaap_ids_of_labels"),
    ]

    operations = [
        AddIndexWithoutLock(
            model_name="label",
            index=models.Index(fields=["zapi_id"], name="label_message_id"),
        ),
        AddIndexWithoutLock(
            model_name="label",
            index=models.Index(
                fields=["zaap_id"],
                name="label_zaap_id",
                condition=models.Q(("zaap_id", ""), _negated=True),
            ),
        ),
    ]
