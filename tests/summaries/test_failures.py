"""Failure reasons of a period, and messages over time per instance."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from messages.domain.statuses import Status
from messages.models import DailyFailure, Instance, Message, TouchedHour, UserLimit
from messages.summaries import Selection, failure_reasons, mark_since, recompute, series

NOW = timezone.now().replace(minute=0, second=0, microsecond=0)


@pytest.fixture
def other(account):
    return Instance.objects.create(account=account, name="Cobrança", zapi_id="other")


@pytest.fixture
def failed(instance):
    def create(code, *, hours_ago=1, phone="5544999999999", is_group=False, of=instance):
        Message.objects.create(
            instance=of,
            zapi_id=f"M{Message.objects.count()}",
            rank=(Status.FAILED if code else Status.SENT).rank,
            failure_code=code,
            phone=phone,
            is_group=is_group,
            inbound=False,
            first_heard_at=NOW - timedelta(hours=hours_ago),
            started_at=NOW - timedelta(hours=hours_ago),
        )

    return create


@pytest.fixture
def count():
    def settle():
        mark_since(datetime(2026, 1, 1, tzinfo=UTC))
        while TouchedHour.objects.exists():
            recompute()

    return settle


def reasons(user, **filters):
    month = Selection(NOW - timedelta(days=30), NOW + timedelta(hours=1), **filters)
    return failure_reasons(user, month)


class TestReasons:
    def test_reasons_are_added_up_over_days_and_hours(self, admin_user, failed, count):
        for hours_ago in (0, 30, 31, 29 * 24, 30 * 24, 31 * 24):
            failed("send_timeout", hours_ago=hours_ago)
        failed("unknown", hours_ago=100)
        count()
        assert reasons(admin_user) == {"send_timeout": 5, "unknown": 1}

    def test_reasons_leave_out_channels_and_our_own_status(self, admin_user, failed, count):
        failed("unknown", phone="120363@newsletter", is_group=True, hours_ago=60)
        failed("unknown", phone="status@broadcast", hours_ago=60)
        count()
        assert not reasons(admin_user)
        assert not DailyFailure.objects.exists()

    def test_reasons_can_be_limited_to_groups_and_instances(
        self, admin_user, failed, count, instance, other
    ):
        failed("unknown", is_group=True, hours_ago=60)
        failed("not_given", hours_ago=60)
        failed("send_timeout", of=other, hours_ago=60)
        count()
        assert reasons(admin_user, groups=True) == {"unknown": 1}
        assert reasons(admin_user, instances=[other.pk]) == {"send_timeout": 1}

    def test_reasons_leave_out_instances_that_a_user_may_not_see(
        self, support, failed, count, instance, other
    ):
        UserLimit.objects.create(user=support, instance=other)
        failed("unknown", hours_ago=60)
        failed("unknown")
        count()
        assert not reasons(support)

    def test_recount_removes_the_reason_of_a_message_that_was_delivered(
        self, admin_user, failed, count
    ):
        failed("unknown", hours_ago=60)
        count()
        Message.objects.update(failure_code="", rank=30)
        count()
        assert not reasons(admin_user)


class TestSeries:
    @pytest.mark.parametrize(("days", "points"), [(1, 24), (7, 28), (30, 30), (365, 31)])
    def test_series_has_a_limited_number_of_points(self, admin_user, failed, count, days, points):
        failed("unknown", hours_ago=3)
        failed("", hours_ago=3)
        count()
        selection = Selection(NOW - timedelta(days=days), NOW)
        (found,) = series(admin_user, selection).values()
        assert len(found) == points
        assert [sum(counts) for counts in zip(*found, strict=True)] == [2, 1]

    @pytest.mark.parametrize("end", [0, 3, 11, 13, 22])
    def test_series_contains_the_whole_period(self, admin_user, instance, failed, count, end):
        for hours_ago in range(1, 33 * 24, 5):
            failed("", hours_ago=hours_ago)
        count()
        until = NOW.replace(hour=end, minute=0, second=0, microsecond=0) - timedelta(days=1)
        points = series(admin_user, Selection(until - timedelta(days=30), until))[instance.pk]
        assert sum(point.messages for point in points) == 30 * 24 // 5
        assert 2 <= min(points).messages <= max(points).messages <= 7
