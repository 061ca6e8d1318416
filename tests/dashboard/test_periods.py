"""The periods of a list: days in the viewer's time zone, and custom dates."""

from datetime import UTC, datetime

import pytest

from messages.models import Message, SavedView
from tests.plugins.pages import shown

# 1 h 30 min after midnight in São Paulo.
NOW = datetime(2026, 11, 20, 4, 30, tzinfo=UTC)
IN_SAO_PAULO = {
    "TODAY": datetime(2026, 11, 20, 3, 0, tzinfo=UTC),
    "YESTERDAY": datetime(2026, 11, 20, 2, 59, tzinfo=UTC),
    "EARLY YESTERDAY": datetime(2026, 11, 19, 3, 0, tzinfo=UTC),
    "BEFORE": datetime(2026, 11, 19, 2, 59, tzinfo=UTC),
}


@pytest.fixture
def days(instance, viewer, clock):
    clock.now = NOW
    viewer.cookies["statusboard_time_zone"] = "America/Sao_Paulo"
    Message.objects.bulk_create(
        Message(
            instance=instance,
            zapi_id=name,
            rank=30,
            phone="5544999999999",
            is_group=False,
            inbound=False,
            first_heard_at=moment,
            started_at=moment,
            last_event_at=moment,
        )
        for name, moment in IN_SAO_PAULO.items()
    )
    return viewer


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("period=today", ["TODAY"]),
        ("period=yesterday", ["YESTERDAY", "EARLY YESTERDAY"]),
        ("period=24h", ["TODAY", "YESTERDAY"]),
        ("since=2026-11-20", ["TODAY"]),
        ("since=2026-11-19&until=2026-11-19", ["YESTERDAY", "EARLY YESTERDAY"]),
        ("until=2026-11-18", ["BEFORE"]),
        ("since=2026-11-19T03:00Z&until=2026-11-20", ["TODAY", "YESTERDAY", "EARLY YESTERDAY"]),
    ],
)
def test_days_begin_in_the_viewers_time_zone(days, query, found):
    assert shown(days.get(f"/?{query}")) == found


@pytest.mark.parametrize(
    ("query", "label"),
    [
        ("since=2026-11-19&until=2026-11-19", "19 Nov"),
        ("since=2026-11-18&until=2026-11-19", "18 Nov – 19 Nov"),
        ("since=2026-11-18", "Since 18 Nov"),
        ("until=2026-11-18", "Until 18 Nov"),
        ("period=yesterday", "Yesterday"),
    ],
)
def test_period_names_the_days(days, query, label):
    assert days.get(f"/?{query}").context["period_label"] == label


def test_period_menu_shows_the_chosen_days_and_keeps_the_filters(days):
    page = days.get("/?status=sent&period=7d&since=2026-11-18&until=2026-11-19").content.decode()
    assert 'name="since" value="2026-11-18"' in page
    assert 'name="until" value="2026-11-19"' in page
    form = page.split('class="menu-days"')[1].split("</form>")[0]
    assert '<input type="hidden" name="status" value="sent">' in form
    assert 'name="period"' not in form


def test_reversed_dates_are_explained_and_ignored(days):
    page = days.get("/?since=2026-11-20&until=2026-11-18")
    assert "The start date is after the end date." in page.content.decode()
    assert len(shown(page)) == 4


@pytest.mark.parametrize("given", ["2026-13-01", "1-1-1", "9999-12-31", "0001-01-01", "x"])
def test_invalid_dates_are_ignored(days, given):
    assert len(shown(days.get("/", {"since": given, "until": given}))) == 4


def test_saved_view_of_days_keeps_the_exact_times(days, support):
    days.post("/views/", {"name": "One day", "query": "since=2026-11-19&until=2026-11-19"})
    saved = SavedView.objects.get()
    assert saved.query == "since=2026-11-19T03%3A00Z&until=2026-11-20T03%3A00Z"


def test_last_24_hours_are_offered_only_where_they_are_current(days):
    def offered(query):
        links = days.get(f"/?{query}").context["period_links"]
        return [str(link.label) for link in links if link.is_current], len(links)

    assert offered("") == (["Last 7 days"], 5)
    assert offered("period=24h") == (["Last 24 hours"], 6)


def test_closed_period_is_not_polled_for_new_messages(days):
    assert days.get("/?period=today").context["live_url"]
    assert not days.get("/?period=yesterday").context["live_url"]
