from datetime import UTC
from typing import Any

from django.db import migrations
from django.db.models import Count, F, Q
from django.db.models.functions import TruncDate


def count_failures(apps: Any, _editor: Any) -> None:
    """The worker counts only the last weeks again, so count all days once."""
    failed = apps.get_model("whatsapp", "Message").objects.exclude(failure_code="")
    counted = failed.exclude(
        Q(is_group=True, phone__endswith="@newsletter") | Q(phone="status@broadcast")
    )
    days = counted.values("instance_id", "is_group", day=TruncDate("started_at", tzinfo=UTC))
    rows = days.annotate(code=F("failure_code"), messages=Count("pk")).order_by()
    DailyFailure = apps.get_model("whatsapp", "DailyFailure")
    DailyFailure.objects.bulk_create(DailyFailure(**row) for row in rows)


class Migration(migrations.Migration):
    dependencies = [
        ("whatsapp", "0066_failure_reasons"),
    ]

    operations = [
        migrations.RunPython(count_failures, migrations.RunPython.noop),
    ]
