"""Sums are taken along an index, whatever the database knows of its rows."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from messages.models import TouchedHour
from messages.summaries import cohort, count_again

pytestmark = pytest.mark.skipif(
    connection.vendor != "sqlite", reason="PostgreSQL decides by the numbers of real rows"
)


def plan_of(sql):
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return " ".join(row[3] for row in cursor.fetchall())


def test_hours_and_instances_are_added_up_without_sorting(admin_user, instance):
    now = timezone.now()
    with CaptureQueriesContext(
        connection,
    ) as asked:
        cohort(admin_user, since=now - timedelta(days=30), until=now)
    plans = [plan_of(query["sql"]) for query in asked]
    assert len(plans) == 2
    assert not [plan for plan in plans if "TEMP B-TREE" in plan or "SCAN" in plan]


def test_an_hour_is_counted_from_its_own_stretch_of_the_index(instance):
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    mark = TouchedHour.objects.create(instance=instance, hour=hour)
    with CaptureQueriesContext(connection) as asked:
        count_again([mark])
    assert "INDEX message_sent (started_at>? AND started_at<?)" in plan_of(asked[0]["sql"])
