"""Rate limits per client."""

import pytest

from statusboard.rate_limiter import ClientRateLimiter, RateLimiter

NAME = "WEBHOOK_WRONG_KEYS_PER_MINUTE"


@pytest.fixture(autouse=True)
def _few(settings):
    settings.WEBHOOK_WRONG_KEYS_PER_MINUTE = 3


def test_bucket_refills_over_time(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("statusboard.rate_limiter.time.monotonic", lambda: now[0])
    keys, meta = ClientRateLimiter(NAME, "wrong keys"), {"REMOTE_ADDR": "203.0.113.9"}
    assert [keys.take_of(meta).wait for _ in range(4)] == [0, 0, 0, 20]
    now[0] = 20.0
    assert [keys.take_of(meta).wait for _ in range(2)] == [0, 20]
    now[0] = 1000.0
    assert [keys.take_of(meta).wait for _ in range(4)] == [0, 0, 0, 20]


def test_quota_contains_remaining_and_seconds_until_full(monkeypatch):
    monkeypatch.setattr("statusboard.rate_limiter.time.monotonic", lambda: 0.0)
    buckets = RateLimiter(NAME, "tries")
    told = [buckets.take("A") for _ in range(4)]
    assert [quota.remaining for quota in told] == [2, 1, 0, 0]
    assert [quota.seconds_left for quota in told] == [20, 40, 60, 60]
    assert [quota.is_spent for quota in told] == [False, False, False, True]


def test_limit_of_zero_always_waits(settings):
    settings.WEBHOOK_WRONG_KEYS_PER_MINUTE = 0
    assert RateLimiter(NAME, "tries").take("A").wait == 60


def test_number_of_buckets_is_limited(monkeypatch):
    monkeypatch.setattr(RateLimiter, "MAX_CLIENTS", 10)
    buckets = RateLimiter(NAME, "tries")
    for number in range(100):
        buckets.take(str(number))
    assert len(buckets.buckets) == 10
