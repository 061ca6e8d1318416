from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone, translation

from messages.dashboard.shared.moments import Moment, between, duration, moment, relative

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (12, "12 s"),
        (60, "1 min"),
        (250, "4 min 10 s"),
        (7200, "2 h"),
        (7500, "2 h 5 min"),
        (86400, "1 day"),
        (3 * 86400 + 4 * 3600, "3 days 4 h"),
    ],
)
def test_duration_is_shown_in_its_two_largest_units(seconds, words):
    assert duration(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=3), "3 h ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=6, hours=23), "6 days ago"),
        (timedelta(days=7), "15 Nov"),
        (timedelta(hours=-2), "22 Nov"),
    ],
)
def test_recent_time_is_shown_relative_to_now(ago, words, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    assert relative(NOW - ago, NOW) == words


def test_exact_time_has_seconds_in_the_users_time_zone():
    with timezone.override("America/Sao_Paulo"):
        assert Moment(NOW).exact == "22 Nov 2026, 09:00:00"
        assert Moment(NOW).iso == "2026-11-22T09:00:00-03:00"


def test_month_names_are_in_the_users_language():
    with translation.override("pt-br"):
        assert Moment(NOW).exact == "22 de nov. de 2026 às 12:00:00"


def test_missing_time_gives_none():
    assert moment(None) is None


def test_gap_is_the_difference_of_the_displayed_times():
    assert between(NOW + timedelta(milliseconds=900), NOW + timedelta(milliseconds=1100)) == (
        timedelta(seconds=1)
    )


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("2026-11-22T11:58:30", "11:58"),
        ("2026-11-22T23:59:00", "23:59"),
        ("2026-11-21T22:41:00", "Yesterday 22:41"),
        ("2026-11-20T22:41:00", "20 Nov"),
        ("2025-11-20T22:41:00", "20 Nov 2025"),
    ],
)
def test_listed_time_is_the_clock_time_today_and_then_the_date(at, words, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    assert Moment(datetime.fromisoformat(f"{at}Z")).listed == words


@pytest.mark.parametrize(
    ("ago", "language", "words"),
    [
        (0, "en", "Today"),
        (1, "en", "Yesterday"),
        (2, "en", "Friday, 20 November"),
        (365, "en", "Saturday, 22 November 2025"),
        (2, "pt-br", "Sexta-feira, 20 de nov."),
    ],
)
def test_heading_of_a_list_names_the_day(ago, language, words, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    with translation.override(language):
        assert Moment(NOW - timedelta(days=ago)).heading == words
