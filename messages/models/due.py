"""Whether a stored time has come, even if a wrong clock wrote it.

A server's clock may be wrong for a while, but what it has stored stays. A due time or a lease that
it put too far ahead would stop everybody until then. So each of these times has a longest wait:
one that lies further ahead counts as due.
"""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.db.models import Q
from django.db.models.expressions import Combinable

# Clocks of servers differ by a little. By more than this, one of them was wrong.
CLOCK_TOLERANCE: Final = timedelta(minutes=1)


class Waits(NamedTuple):
    """How far ahead a due time may lie: while somebody has the row, and after failures in a row."""

    lease: timedelta
    first: timedelta = timedelta()
    longest: timedelta = timedelta()

    def after(self, failures: int) -> timedelta:
        """Twice as long each time."""
        # Exponents stay small, so that many failures cannot overflow.
        return min(self.first * (1 << min(failures - 1, 20)), self.longest)

    def at_most(self, failures: int) -> timedelta:
        return max(self.lease, self.after(failures)) if failures else self.lease


def is_due(field: str, now: datetime, longest: timedelta | Combinable) -> Q:
    """Rows whose time has come; nobody sets it further ahead than `longest`."""
    return Q(**{f"{field}__lte": now}) | is_ahead(field, now + longest)


def is_due_after(field: str, now: datetime, waits: Waits, failures: str = "tries") -> Q:
    """The same where the longest wait depends on how often a row has failed in a row."""
    due, number = Q(**{f"{field}__lte": now}), 0
    while waits.at_most(number) < max(waits.lease, waits.longest):
        due |= is_ahead(field, now + waits.at_most(number)) & Q(**{failures: number})
        number += 1
    return due | is_ahead(field, now + waits.at_most(number)) & Q(**{f"{failures}__gte": number})


def is_over(field: str, now: datetime, period: timedelta) -> Q:
    """Rows at which something was done, and `period` has passed since."""
    return Q(**{f"{field}__lte": now - period}) | is_ahead(field, now)


def is_ahead(field: str, moment: datetime | Combinable) -> Q:
    """Rows with a time so late that only a wrong clock can have written it."""
    return Q(**{f"{field}__gt": moment + CLOCK_TOLERANCE})


def has_come(due_at: datetime, now: datetime, longest: timedelta) -> bool:
    """`is_due` of one time."""
    return due_at <= now or lies_ahead(due_at, now + longest)


def has_passed(period: timedelta, since: datetime, now: datetime) -> bool:
    """`is_over` of one time."""
    return since + period <= now or lies_ahead(since, now)


def lies_ahead(time: datetime, moment: datetime) -> bool:
    """`is_ahead` of one time."""
    return time > moment + CLOCK_TOLERANCE
