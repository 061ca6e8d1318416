"""Sums are taken along an index, whatever the database knows of its rows."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from messages.summaries import cohort

pytestmark = pytest.mark.skipif(
    connection.vendor != "sqlite", reason="PostgreSQL decides by the numbers of real rows"
)


def test_hours_and_instances_are_added_up_without_sorting(admin_user, instance):
    now = timezone.now()
    with CaptureQueriesContext(
        connection,
    ) as asked:
        cohort(admin_user, since=now - timedelta(days=30), until=now)
    plans = []
    for query in asked.captured_queries:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
            plans.append(" ".join(row[3] for row in cursor.fetchall()))
    assert len(plans) == 2
    assert not [plan for plan in plans if "TEMP B-TREE" in plan or "SCAN" in plan]
