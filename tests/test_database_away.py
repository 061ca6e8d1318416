"""Pages during a database outage: the first request detects it, later ones get 503 at once."""

import pytest
from django.conf import settings
from django.db import OperationalError

from messages.ingest.service import breaker
from statusboard.databases import remaining
from tests.plugins.webhook import call


@pytest.fixture
def _away(db, monkeypatch):
    def refuse(*_, **__):
        raise OperationalError("connection refused")

    monkeypatch.setattr(breaker, "probe", refuse)
    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.load", refuse)


def page(path="/"):
    extra = {
        "HTTP_COOKIE": f"{settings.SESSION_COOKIE_NAME}=somebody",
        "HTTP_ACCEPT_LANGUAGE": "pt-br",
    }
    return call(path, "GET", b"", **extra, **{"wsgi.url_scheme": "https"})


@pytest.mark.usefixtures("_away")
def test_page_with_unavailable_database_opens_the_breaker():
    assert page().status == 503
    assert breaker.is_open
    answer = page()
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert "O banco de dados" in answer.body.decode()


def test_open_breaker_serves_static_files_but_no_pages(db):
    breaker.open()
    assert page().status == 503
    assert page("/static/css/tokens.css").status == 200


def test_page_that_times_out_does_not_open_the_breaker(db, monkeypatch):
    def too_long(*_):
        raise OperationalError("wait timeout expired")

    monkeypatch.setattr(breaker, "probe", lambda: None)
    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.load", too_long)
    assert page().status == 503
    assert not breaker.is_open


def test_error_in_a_page_does_not_open_the_breaker(db, monkeypatch):
    monkeypatch.setattr(
        "django.contrib.sessions.backends.db.SessionStore.load", lambda store: 1 / 0
    )
    assert page().status == 500
    assert not breaker.is_open


def test_page_queries_have_a_time_limit(db, monkeypatch):
    seen: list[float] = []

    def load(store):
        seen.append(remaining() or 0)
        return {}

    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.load", load)
    page()
    assert seen
    assert all(0 < seconds < 3 for seconds in seen)


def test_queries_outside_of_pages_have_no_time_limit():
    assert remaining() is None
