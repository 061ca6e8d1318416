"""Pages wait for each other, so that callbacks get enough CPU time."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from statusboard import page_limiter, wsgi
from statusboard.page_limiter import PageExecutionLock
from tests.plugins.webhook import call


class Clock:
    """A fake of the module `time`.

    Time passes only when `page()` changes `now`; `sleep` only records its argument.
    """

    def __init__(self) -> None:
        self.now = 1.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(page_limiter, "time", clock)
    return clock


def page(lock, clock, *, beside_a_callback=False):
    with lock.hold():
        clock.now += 0.25
        if beside_a_callback:
            lock.note_callback()


def test_page_after_a_callback_waits_as_long_as_the_previous_page_took(clock):
    lock = PageExecutionLock()
    page(lock, clock, beside_a_callback=True)
    page(lock, clock)
    assert clock.slept == [0.25]


def test_pages_without_callbacks_do_not_wait(clock):
    lock = PageExecutionLock()
    page(lock, clock)
    page(lock, clock)
    assert clock.slept == []


def test_page_waits_for_a_hanging_page_only_up_to_the_maximum(monkeypatch):
    monkeypatch.setattr(page_limiter, "MAX_LOCK_WAIT", 0.01)
    lock = PageExecutionLock()
    with lock.hold(), lock.hold():
        pass  # the inner hold() stops waiting after MAX_LOCK_WAIT


def test_page_that_fails_releases_the_lock(clock, monkeypatch):
    monkeypatch.setattr(page_limiter, "MAX_LOCK_WAIT", 600)
    lock = PageExecutionLock()
    with pytest.raises(ValueError, match="broken"), lock.hold():
        raise ValueError("broken")
    with ThreadPoolExecutor(1) as other:
        other.submit(page, lock, clock).result(timeout=60)


@pytest.mark.django_db
@pytest.mark.parametrize(("method", "rests"), [("POST", 1), ("GET", 0)])
def test_pages_wait_after_a_posted_callback_only(clock, monkeypatch, method, rests):
    lock = PageExecutionLock()
    monkeypatch.setattr(wsgi.pages, "lock", lock)
    with lock.hold():
        clock.now += 0.25
        call("/webhooks/zapi/3C01/status/key/", method)
    with lock.hold():
        pass
    assert len(clock.slept) == rests
