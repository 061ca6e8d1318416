"""Summaries equal a simple count of the events."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from messages.ingest import Delivery, new_delivery_id, record
from messages.jobs.follow_ups import follow_up
from messages.models import (
    Callback,
    DailySummary,
    DataKind,
    FollowUp,
    HourlySummary,
    Message,
    Retention,
    StatusEvent,
    TouchedHour,
)
from messages.models.summary import LATENCY_EDGES, latency_column
from messages.summaries import Counts, Selection, cohort, recompute, recount, sweep
from tests.plugins.webhook import ZAPI_ID
from tests.waiting import wait_until

HOUR = datetime(2026, 11, 22, 9, tzinfo=UTC)
ARRIVAL = HOUR + timedelta(hours=12)
RANKS = {"PENDING": 10, "SENT": 20, "FAILED": 25, "RECEIVED": 30, "READ": 40, "PLAYED": 50}

# Seconds after nine: in the same hour, in the next, and days before.
moments = st.sampled_from([0, 1, 5, 59, 61, 3599, 3600, 3700, 9000, 90_000, -86_400 * 3])
callbacks = st.fixed_dictionaries(
    {
        "type": st.just("MessageStatusCallback"),
        "status": st.sampled_from([*RANKS, "READ_BY_ME", "EDITED"]),
        "ids": st.lists(st.sampled_from("ABC"), min_size=1, max_size=3),
        "seconds": moments,
        "isGroup": st.booleans(),
    }
) | st.fixed_dictionaries(
    {
        "type": st.just("DeliveryCallback"),
        "messageId": st.sampled_from("ABC"),
        "seconds": moments,
        "error": st.sampled_from([None, "Phone number does not exist"]),
    }
)


def hear(payload):
    body = dict(payload, momment=int(HOUR.timestamp() + payload["seconds"]) * 1000)
    record(Delivery(new_delivery_id(), ZAPI_ID, 1, ARRIVAL, json.dumps(body).encode()))


def settle():
    """Run the worker until no follow-up or touched hour is left."""
    while FollowUp.objects.exists():
        follow_up()
    while TouchedHour.objects.exists():
        recompute()


def summed():
    names = [f.name for f in HourlySummary._meta.concrete_fields if f.name != "computed_at"]
    rows = HourlySummary.objects.order_by("hour", "is_group").values(*names)
    return [{name: value for name, value in row.items() if name != "id" and value} for row in rows]


def added_up():
    """The daily summaries, and the sums of the hourly summaries by day."""
    names = [f.name for f in DailySummary._meta.concrete_fields if f.name not in {"id", "day"}]
    days = [(row.pop("day"), row) for row in DailySummary.objects.values("day", *names)]
    sums: dict[tuple[date, bool], dict[str, Any]] = {}
    for hour in HourlySummary.objects.order_by("computed_at").values("hour", *names):
        day = hour.pop("hour").date()
        before = sums.setdefault((day, hour["is_group"]), {})
        kept = ("instance", "is_group", "computed_at")
        sums[day, hour["is_group"]] = {
            name: value if name in kept else value + before.get(name, 0)
            for name, value in hour.items()
        }
    return sorted(days, key=repr), sorted(((day, row) for (day, _), row in sums.items()), key=repr)


def counted(instance):
    """Expected summaries, counted from the events without the production code."""
    totals: dict[tuple[datetime, bool], Counter[str]] = {}
    for message in Message.objects.all():
        events = list(StatusEvent.objects.filter(message=message))
        if all(event.status.endswith("BY_ME") for event in events):
            continue
        hour = min(event.occurred_at for event in events).replace(minute=0, second=0)
        row = totals.setdefault((hour, message.is_group), Counter())
        _count(row, first_times(events))
    return [
        {"hour": hour, "instance": instance.pk}
        | ({"is_group": True} if is_group else {})
        | dict(row)
        for (hour, is_group), row in sorted(totals.items())
    ]


def first_times(events):
    times: dict[int, datetime] = {}
    for event in events:
        rank = 10 if event.status == "DISPATCHED" else RANKS.get(event.status, 0)
        times[rank] = min(event.occurred_at, times.get(rank, event.occurred_at))
    return times


def _count(row, times):
    top = max(times)
    row["messages"] += 1
    names = {10: "dispatched", 20: "sent", 30: "delivered", 40: "read", 50: "played"}
    for rank, name in names.items():
        later = [other for other in times if other >= rank and other != 25]
        row[name] += bool(later)
    row["failed"] += top == 25
    row["waiting_to_send"] += top == 10
    row["waiting_to_deliver"] += top == 20
    started = times.get(20) or times.get(10)
    for latency, before, after in (
        ("delivered", started, times.get(30)),
        ("read", times.get(30), times.get(40)),
    ):
        if before and after and after >= before:
            seconds = (after - before).total_seconds()
            row[latency_column(latency)] += 1
            for edge in LATENCY_EDGES:
                row[latency_column(latency, edge)] += seconds <= edge
    for name in [name for name, value in row.items() if not value]:
        del row[name]


class TestSummaries:
    @given(sequence=st.lists(callbacks, max_size=10), stops=st.sets(st.integers(0, 9)))
    @settings(max_examples=80)
    def test_summaries_equal_a_direct_count_in_any_callback_order(self, instance, sequence, stops):
        for model in (Callback, FollowUp, Message, HourlySummary, DailySummary):
            model.objects.all().delete()
        for place, payload in enumerate(sequence):
            hear(payload)
            if place in stops:
                settle()
        settle()
        assert summed() == counted(instance)
        days, hours = added_up()
        assert days == hours

    @pytest.mark.parametrize("hours", [1, 24, 47, 48, 100])
    @pytest.mark.parametrize("offset", range(0, 24, 5))
    def test_instance_totals_equal_the_sum_of_the_chart(self, admin_user, instance, hours, offset):
        for seconds in range(0, 120 * 3600, 3 * 3600):
            hear(status("SENT", seconds, ids=[f"M{seconds}"]))
        settle()
        since = HOUR + timedelta(hours=offset)
        found = cohort(
            admin_user, Selection(since, since + timedelta(hours=hours)), with_times=True
        )
        assert found.counts == Counts.total(one.counts for one in found.hours.values())


def status(word, seconds=0, **more):
    kind = {"type": "MessageStatusCallback", "status": word, "ids": ["M"], "seconds": seconds}
    return kind | more


def test_message_with_an_earlier_event_moves_to_its_hour(instance):
    hear(status("READ", 7200))
    settle()
    hear(status("SENT", 0))
    settle()
    assert [row["hour"] for row in summed()] == [HOUR]


def test_inbound_messages_are_not_counted(instance):
    hear(status("READ_BY_ME"))
    settle()
    assert summed() == []


def test_hour_marked_during_its_recount_stays_marked(instance):
    hear(status("SENT"))
    follow_up()
    read_before = list(TouchedHour.objects.all())
    hear(status("READ", 5))
    follow_up()
    recount(read_before)
    assert TouchedHour.objects.count() == 1


def test_recount_with_an_outdated_mark_changes_nothing(instance):
    hear(status("SENT"))
    follow_up()
    marks = list(TouchedHour.objects.all())
    hear(status("READ", 5))
    settle()
    before = HourlySummary.objects.get().computed_at
    assert not recount(marks)
    assert HourlySummary.objects.get().computed_at == before


def test_hour_is_marked_once_per_batch(instance):
    for seconds in range(5):
        hear(status("SENT", seconds))
    follow_up()
    assert TouchedHour.objects.count() == 1


@pytest.fixture
def swept(monkeypatch):
    """Set the clock to a time at which the nightly sweep covers HOUR."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: ARRIVAL)


def test_nightly_sweep_corrects_a_wrong_summary(instance, swept):
    hear(status("SENT"))
    settle()
    HourlySummary.objects.update(sent=99)
    sweep()
    settle()
    assert HourlySummary.objects.get().sent == 1


def test_nightly_sweep_deletes_a_summary_without_messages(instance, swept):
    HourlySummary.objects.create(
        instance=instance, hour=HOUR, is_group=False, messages=7, computed_at=HOUR
    )
    sweep()
    settle()
    assert not HourlySummary.objects.exists()


def test_nightly_sweep_keeps_summaries_of_purged_messages(instance, swept):
    Retention.objects.update_or_create(kind=DataKind.MESSAGES, defaults={"days": 2})
    old = HOUR - timedelta(days=3)
    HourlySummary.objects.create(
        instance=instance, hour=old, is_group=False, messages=7, computed_at=old
    )
    sweep()
    settle()
    assert HourlySummary.objects.get().messages == 7


def test_nightly_sweep_runs_on_one_worker_only(instance, swept):
    hear(status("SENT"))
    assert (sweep(), sweep()) == (1, 0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
def test_two_workers_counting_hours_of_one_day_both_count(instance):
    def count_there():
        try:
            return recount(later)
        finally:
            connection.close()

    for hours in (0, 1):
        hear(status("SENT", hours * 3600, ids=[f"M{hours}"]))
    follow_up()
    earlier, later = ([mark] for mark in TouchedHour.objects.order_by("hour"))
    with ThreadPoolExecutor(1) as another:
        with transaction.atomic():
            assert recount(earlier)
            there = another.submit(count_there)
            wait_until(
                lambda: there.done() or waits_for_a_turn(), "the other worker has not come so far"
            )
        assert there.result(60)
    assert DailySummary.objects.get().messages == 2


def waits_for_a_turn():
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return cursor.fetchone() is not None
