"""Pages leave callbacks their share of the interpreter."""

import time

import pytest

from statusboard import page_execution_lock, wsgi
from statusboard.page_execution_lock import PageExecutionLock
from tests.conftest import call


@pytest.fixture
def slept(monkeypatch):
    seconds: list[float] = []
    monkeypatch.setattr(time, "sleep", seconds.append)
    return seconds


def page(turns, *, beside_a_callback=False):
    with turns.turn():
        began = time.monotonic()
        while time.monotonic() - began < 0.02:
            pass
        if beside_a_callback:
            turns.note_callback()


def test_a_page_beside_callbacks_makes_the_next_one_wait_as_long_as_it_took(slept):
    turns = PageExecutionLock()
    page(turns, beside_a_callback=True)
    page(turns)
    assert len(slept) == 1
    assert 0.01 < slept[0] <= page_execution_lock.MAX_WAIT


def test_pages_among_themselves_wait_for_nothing(slept):
    turns = PageExecutionLock()
    page(turns)
    page(turns)
    assert slept == []


def test_a_page_that_hangs_keeps_the_next_one_no_longer_than_told(monkeypatch):
    monkeypatch.setattr(page_execution_lock, "MAX_WAIT", 0.01)
    turns = PageExecutionLock()
    with turns.turn(), turns.turn():
        pass  # the inner one began without its turn


def test_a_page_that_fails_gives_its_turn_back():
    turns = PageExecutionLock()
    with pytest.raises(ValueError, match="broken"), turns.turn():
        raise ValueError("broken")
    assert not turns._turn.locked()


@pytest.mark.django_db
@pytest.mark.parametrize(("method", "rests"), [("POST", 1), ("GET", 0)])
def test_pages_rest_for_what_is_posted_alone(slept, monkeypatch, method, rests):
    turns = PageExecutionLock()
    monkeypatch.setattr(wsgi._pages, "turns", turns)
    with turns.turn():
        call("/webhooks/zapi/3C01/status/key/", method)
    with turns.turn():
        pass
    assert len(slept) == rests
