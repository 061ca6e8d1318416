"""Summary queries use an index, independent of table statistics."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from messages.models import TouchedHour
from messages.summaries import Selection, cohort, recount

pytestmark = pytest.mark.skipif(
    connection.vendor != "sqlite", reason="PostgreSQL decides by the numbers of real rows"
)


def plan_of(sql):
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return " ".join(row[3] for row in cursor.fetchall())


def test_month_query_uses_indexes_of_daily_and_hourly_summaries(admin_user, instance):
    until = timezone.now().replace(hour=9, minute=0, second=0, microsecond=0)
    with CaptureQueriesContext(connection) as asked:
        cohort(admin_user, Selection(until - timedelta(days=30), until), with_times=True)
    days, edges, hours = (plan_of(query["sql"]) for query in asked)
    assert "SEARCH whatsapp_dailysummary" in days
    assert edges.count("SEARCH whatsapp_hourlysummary") == 2
    assert "SEARCH whatsapp_hourlysummary" in hours
    assert "TEMP B-TREE" not in hours
    assert "SCAN" not in days + edges + hours


def test_hour_recount_uses_the_index_of_sending_times(instance):
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    mark = TouchedHour.objects.create(instance=instance, hour=hour)
    with CaptureQueriesContext(connection) as asked:
        recount([mark])
    assert "INDEX message_sent (started_at>? AND started_at<?)" in plan_of(asked[0]["sql"])
