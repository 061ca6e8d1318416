"""Leases, retries, and whether a stored time has come, even if a wrong clock wrote it.

A due time or lease too far in the future would block its job until then, even after the clock was
corrected. So each of these times has a maximum wait. A time further in the future counts as due.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final, NamedTuple, TypeVar

from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.db.models.expressions import Combinable

# Servers' clocks differ a little. If they differ by more, one of them is wrong.
CLOCK_TOLERANCE: Final = timedelta(minutes=1)

_Row = TypeVar("_Row", bound=Model)


def backoff(
    failures: int,
    first: timedelta,
    longest: timedelta,
    *,
    jitter: float = 0,
    at_least: timedelta | None = None,
) -> timedelta:
    """How long to wait after consecutive failures. The wait doubles with each one.

    `jitter` is the random share of the wait, so that simultaneous failures are not retried
    together. `at_least` is how long the other side asked to wait.
    """
    # The exponent is limited, so that many failures cannot overflow.
    wait = min(first * (1 << min(failures - 1, 20)), longest)
    part = random.uniform(1 - jitter, 1)  # noqa: S311  (no secret)
    return max(wait * part, at_least or timedelta())


class LeaseQuerySet(QuerySet[_Row]):
    """Rows that workers share: each is claimed by one worker at a time."""

    @contextmanager
    def claim(self, most: int | None = 1) -> Iterator[list[_Row]]:
        """Lock the first `most` rows and yield them. None means all.

        Rows that another worker has locked are skipped.

        The block must process them, or lease them: move their due time ahead and save it.
        """
        # Check without a lock first: on SQLite, an empty claim also blocks storing callbacks.
        if not self.exists():
            yield []
            return
        with transaction.atomic():
            yield list(self.select_for_update(skip_locked=True, of=("self",))[:most])


class Waits(NamedTuple):
    """How far ahead a due time may be: during a lease, and after consecutive failures."""

    lease: timedelta
    first: timedelta = timedelta()
    longest: timedelta = timedelta()

    def after(self, failures: int, at_least: timedelta | None = None) -> timedelta:
        return backoff(failures, self.first, self.longest, at_least=at_least)

    def at_most(self, failures: int) -> timedelta:
        return max(self.lease, self.after(failures)) if failures else self.lease


def is_due(field: str, now: datetime, longest: timedelta | Combinable) -> Q:
    """Rows whose time has come, or is further ahead than `longest`."""
    return Q(**{f"{field}__lte": now}) | is_ahead(field, now + longest)


def is_due_after(field: str, now: datetime, waits: Waits, failures: str = "tries") -> Q:
    """Like is_due, with a longest wait that depends on the row's consecutive failures."""
    due, number = Q(**{f"{field}__lte": now}), 0
    while waits.at_most(number) < max(waits.lease, waits.longest):
        due |= is_ahead(field, now + waits.at_most(number)) & Q(**{failures: number})
        number += 1
    return due | is_ahead(field, now + waits.at_most(number)) & Q(**{f"{failures}__gte": number})


def is_over(field: str, now: datetime, period: timedelta) -> Q:
    """Rows whose time is at least `period` ago, or in the future because of a wrong clock."""
    return Q(**{f"{field}__lte": now - period}) | is_ahead(field, now)


def is_ahead(field: str, moment: datetime | Combinable) -> Q:
    """Rows with a time after `moment`, which only a wrong clock can have written."""
    return Q(**{f"{field}__gt": moment + CLOCK_TOLERANCE})


def has_come(due_at: datetime, now: datetime, longest: timedelta) -> bool:
    """is_due() for a single time."""
    return due_at <= now or lies_ahead(due_at, now + longest)


def has_passed(period: timedelta, since: datetime, now: datetime) -> bool:
    """is_over() for a single time."""
    return since + period <= now or lies_ahead(since, now)


def lies_ahead(time: datetime, moment: datetime) -> bool:
    """is_ahead() for a single time."""
    return time > moment + CLOCK_TOLERANCE
