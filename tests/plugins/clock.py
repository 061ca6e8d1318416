"""A clock that tests control."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest


class Clock:
    """A clock that changes only when `advance()` is called."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock(monkeypatch: Any) -> Clock:
    clock = Clock()
    monkeypatch.setattr("django.utils.timezone.now", clock)
    return clock
