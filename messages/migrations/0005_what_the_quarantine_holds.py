from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("whatsapp", "0004_spooled_callback"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="callback",
            index=models.Index(
                condition=models.Q(
                    ("outcome", "quarantined"), models.Q(("body", b""), _negated=True)
                ),
                fields=["instance", "size"],
                name="callback_quarantined",
            ),
        ),
    ]
