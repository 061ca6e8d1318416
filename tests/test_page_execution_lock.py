"""Pages leave callbacks their share of the interpreter."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from statusboard import page_limiter, wsgi
from statusboard.page_limiter import PageExecutionLock
from tests.plugins.webhook import call


@pytest.fixture
def slept(monkeypatch):
    seconds: list[float] = []
    monkeypatch.setattr(time, "sleep", seconds.append)
    return seconds


def page(lock, *, beside_a_callback=False):
    with lock.hold():
        began = time.monotonic()
        while time.monotonic() - began < 0.02:
            pass
        if beside_a_callback:
            lock.note_callback()


def test_a_page_beside_callbacks_makes_the_next_one_wait_as_long_as_it_took(slept):
    lock = PageExecutionLock()
    page(lock, beside_a_callback=True)
    page(lock)
    assert len(slept) == 1
    assert 0.01 < slept[0] <= page_limiter.MAX_LOCK_WAIT


def test_pages_among_themselves_wait_for_nothing(slept):
    lock = PageExecutionLock()
    page(lock)
    page(lock)
    assert slept == []


def test_a_page_that_hangs_keeps_the_next_one_no_longer_than_told(monkeypatch):
    monkeypatch.setattr(page_limiter, "MAX_LOCK_WAIT", 0.01)
    lock = PageExecutionLock()
    with lock.hold(), lock.hold():
        pass  # the inner one began without its turn


def test_page_that_fails_releases_the_lock():
    lock = PageExecutionLock()
    with pytest.raises(ValueError, match="broken"), lock.hold():
        raise ValueError("broken")
    with ThreadPoolExecutor(1) as other:
        other.submit(page, lock).result(timeout=0.9 * page_limiter.MAX_LOCK_WAIT)


@pytest.mark.django_db
@pytest.mark.parametrize(("method", "rests"), [("POST", 1), ("GET", 0)])
def test_pages_rest_for_what_is_posted_alone(slept, monkeypatch, method, rests):
    lock = PageExecutionLock()
    monkeypatch.setattr(wsgi._pages, "lock", lock)
    with lock.hold():
        call("/webhooks/zapi/3C01/status/key/", method)
    with lock.hold():
        pass
    assert len(slept) == rests
