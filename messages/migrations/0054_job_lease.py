from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("whatsapp", "0053_causes"),
    ]

    operations = [
        migrations.RenameModel("Turn", "JobLease"),
    ]
