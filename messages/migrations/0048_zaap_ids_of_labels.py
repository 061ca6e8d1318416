from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("whatsapp", "0047_overdue_jobs"),
    ]

    operations = [
        migrations.AddField(
            model_name="label",
            name="zaap_id",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=128, verbose_name="Z-API id"
            ),
        ),
    ]
