"""Filters by hour of the week, and by the time to delivery and reading."""

from datetime import UTC, datetime, timedelta

import pytest
from django.http import QueryDict
from django.utils import timezone

from messages.models import Message
from messages.search.criteria import Criteria
from tests.plugins.pages import shown

# A Monday. São Paulo is three hours behind UTC.
MONDAY = datetime(2026, 3, 9, tzinfo=UTC)
WEEKS = "since=2026-03-02T00:00Z&until=2026-03-23T00:00Z"


@pytest.fixture
def sent(instance):
    def create(name, start, to_delivered=None, to_read=None):
        delivered = None if to_delivered is None else start + timedelta(seconds=to_delivered)
        read = delivered and to_read is not None and delivered + timedelta(seconds=to_read)
        Message.objects.create(
            instance=instance,
            zapi_id=name,
            rank=10,
            phone="5544999999999",
            is_group=False,
            inbound=False,
            first_heard_at=start,
            started_at=start,
            sent_at=start,
            delivered_at=delivered,
            read_at=read or None,
        )

    return create


class TestWeekHour:
    @pytest.fixture(autouse=True)
    def _messages(self, sent):
        sent("NINE", MONDAY.replace(hour=9, minute=59))
        sent("NEXT WEEK", MONDAY.replace(hour=9) + timedelta(days=7))
        sent("TEN", MONDAY.replace(hour=10))
        sent("TUESDAY", MONDAY.replace(hour=9) + timedelta(days=1))
        sent("LAST MONTH", MONDAY.replace(hour=9) - timedelta(days=28))

    def test_week_hour_selects_this_hour_of_every_week_in_the_period(self, viewer):
        page = viewer.get(f"/?{WEEKS}&weekday=0&hour=9&zone=UTC")
        assert shown(page) == ["NEXT WEEK", "NINE"]
        assert "Monday, 09:00" in page.content.decode()

    def test_week_hour_without_a_zone_is_in_the_viewers(self, viewer):
        viewer.cookies["statusboard_time_zone"] = "America/Sao_Paulo"
        assert shown(viewer.get(f"/?{WEEKS}&weekday=0&hour=7")) == ["TEN"]

    def test_week_hour_of_another_zone_names_it(self, viewer):
        page = viewer.get(f"/?{WEEKS}&weekday=0&hour=7&zone=America/Sao_Paulo")
        assert shown(page) == ["TEN"]
        assert "(America/Sao_Paulo)" in page.content.decode()

    def test_week_hour_in_a_zone_with_half_hours_begins_with_the_hour_of_utc(self, viewer):
        page = viewer.get(f"/?{WEEKS}&weekday=0&hour=14&zone=Asia/Kolkata")
        assert shown(page) == ["NEXT WEEK", "NINE"]

    @pytest.mark.parametrize(
        "query",
        [
            f"{WEEKS}&weekday=7&hour=9",
            f"{WEEKS}&weekday=0&hour=24",
            f"{WEEKS}&weekday=0",
            f"{WEEKS}&weekday=0&hour=9&zone=../etc/passwd",
            f"{WEEKS}&weekday=0&hour=9&zone=Mars",
            "since=2026-03-02T00:00Z&weekday=0&hour=9",
            "since=2010-03-02T00:00Z&until=2026-03-23T00:00Z&weekday=0&hour=9",
        ],
    )
    def test_invalid_week_hour_is_ignored(self, query):
        assert Criteria.read(QueryDict(query)).week_hour is None


class TestLatency:
    @pytest.fixture(autouse=True)
    def _messages(self, sent):
        start = timezone.now().replace(microsecond=0) - timedelta(hours=1)
        for number, (delivered, read) in enumerate([(0, None), (30, 5), (31, 60), (90, -1)]):
            sent(f"{delivered}", start + timedelta(seconds=number), delivered, read)
        sent("NEVER", start)

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("delivered_in=0-30", {"0", "30"}),
            ("delivered_in=30-60", {"31"}),
            ("delivered_in=60-", {"90"}),
            ("read_in=0-5", {"30"}),
            ("read_in=0-", {"30", "31"}),
            ("read_in=0-&delivered_in=30-60", {"31"}),
            ("delivered_in=soon", {"0", "30", "31", "90", "NEVER"}),
        ],
    )
    def test_latency_selects_messages_by_the_rule_of_the_summaries(self, viewer, query, found):
        assert set(shown(viewer.get(f"/?{query}"))) == found

    def test_latency_is_named_in_a_chip(self, viewer):
        text = viewer.get("/?delivered_in=30-60&read_in=3600-").content.decode()
        assert "Delivered in: 30 s – 1 min" in text
        assert "Read in: more than 1 h" in text


def test_filters_survive_in_a_saved_query():
    query = f"{WEEKS}&weekday=0&hour=9&zone=UTC&delivered_in=30-60&read_in=3600-"
    criteria = Criteria.read(QueryDict(query))
    assert criteria.week_hour
    assert Criteria.read(QueryDict("&".join(map("=".join, criteria.query())))) == criteria
