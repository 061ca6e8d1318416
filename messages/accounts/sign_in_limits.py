"""Limit attempts at passwords and codes, counted in the database.

There are counters per account, client network and known device, but none for values that a client
can choose freely, such as the Host header.

A browser known for an account (see `known_devices`) has its own counter, which strangers cannot use
up. All other browsers share the account's counter.
"""

import math
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from allauth.core.exceptions import ImmediateHttpResponse
from django.db import transaction
from django.db.models import F, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.crypto import salted_hmac

from messages.models import Throttle

_SALT: Final = "messages.accounts.sign_in_limits"
# Counters further in the future were written before the clock was set back.
_MAX_AHEAD: Final = 24 * 3600 * 1000
# Longer than any attempt, so that no row in use is deleted.
_KEPT: Final = 3600 * 1000
_MAX_DELETED: Final = 5000


class Limit(NamedTuple):
    """`at_once` attempts without waiting, then one every `seconds`."""

    at_once: int
    seconds: int

    @property
    def step(self) -> int:
        """The milliseconds that one attempt adds to a counter."""
        return self.seconds * 1000

    def ahead(self, free_at: int, now: int) -> int:
        """Return how many milliseconds the counter is ahead of now.

        If it is impossibly far ahead, the clock was wrong: return 0.
        """
        ahead = max(free_at - now, 0)
        return ahead if ahead <= (self.at_once + 1) * self.step else 0

    def wait(self, free_at: int, now: int) -> int:
        """Return the milliseconds until the next attempt; 0 if one is allowed."""
        return max(0, self.ahead(free_at, now) - (self.at_once - 1) * self.step)


# One client must not use up all attempts that an account allows for unknown browsers. So after five
# attempts a client gets one every ten minutes. The account allows one every five minutes.
LIMITS: Final = {
    "name": Limit(10, 300),  # the typed name, whether or not it exists
    "name and client": Limit(5, 600),
    "client": Limit(20, 60),
    "account": Limit(10, 300),
    "account and client": Limit(5, 600),
    "device": Limit(10, 60),
    "session": Limit(10, 300),
    "code": Limit(10, 300),
    "code and device": Limit(10, 300),
    "audit": Limit(10, 600),
    "calls": Limit(10, 6),
    # Links e-mailed to an account; earlier links stay valid.
    "reset link": Limit(3, 1200),
}


class Counter(NamedTuple):
    key: str
    limit: Limit


def counter(kind: str, *about: object) -> Counter:
    name = "\n".join(map(str, about))
    return Counter(f"{kind} {salted_hmac(_SALT, name).hexdigest()}", LIMITS[kind])


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt, counted before its result is known.

    `is_muted`: the limit is reached, so the attempt must fail even if the password is right. See
    `begin`.
    """

    counters: Collection[Counter]
    is_muted: bool

    def succeeded(self) -> None:
        """Remove only this attempt from the counters, so that guessers cannot reset them."""
        for key, limit in self.counters:
            Throttle.objects.filter(pk=key).update(free_at=F("free_at") - limit.step)


def begin(
    request: HttpRequest, counters: Collection[Counter], silent: Collection[Counter] = ()
) -> Attempt:
    """Count an attempt, or answer 429 without counting if one of `counters` is used up.

    If one of `silent` is used up, the attempt gets no 429 but fails even with the right
    password (`is_muted`). A 429 would reveal that two names belong to one account.
    """
    # Check without a lock first: refused attempts must not write.
    _refuse_spent(request, counters, _free_at(counters), _now())
    with transaction.atomic():
        free_at = _free_at([*counters, *silent], lock=True)
        now = _now()
        _refuse_spent(request, counters, free_at, now)
        is_muted = any(limit.wait(free_at.get(key, 0), now) for key, limit in silent)
        counted = [*counters, *(() if is_muted else silent)]
        for key, limit in counted:
            ahead = limit.ahead(free_at.get(key, 0), now)
            Throttle.objects.filter(pk=key).update(free_at=now + ahead + limit.step)
    return Attempt(counted, is_muted=is_muted)


def spend(counted: Counter) -> int:
    """Count one use and return 0, or return the milliseconds to wait without counting."""
    key, limit = counted
    if wait := limit.wait(_free_at([counted]).get(key, 0), _now()):
        return wait  # without a lock: refused uses must not write
    with transaction.atomic():
        free_at, now = _free_at([counted], lock=True)[key], _now()
        wait = limit.wait(free_at, now)
        if not wait:
            ahead = limit.ahead(free_at, now)
            Throttle.objects.filter(pk=key).update(free_at=now + ahead + limit.step)
    return wait


def note_failure(*about: str) -> int | None:
    """Count a failure for the audit log.

    Return None if the log has enough of them for now, else the number of failures left out since
    the last event.
    """
    key, limit = counter("audit", *about)
    with transaction.atomic():
        free_at = _free_at([Counter(key, limit)], lock=True).get(key, 0)
        now = _now()
        row = Throttle.objects.filter(pk=key)
        if limit.wait(free_at, now):
            row.update(left_out=F("left_out") + 1)
            return None
        left_out = row.values_list("left_out", flat=True).first()
        row.update(free_at=now + limit.ahead(free_at, now) + limit.step, left_out=0)
    return left_out or 0


def delete_old_attempts() -> int:
    """Delete unused counters. Run by the worker."""
    now = _now()
    old = Q(free_at__lt=now - _KEPT, left_out=0)
    # The number of left-out failures is kept for a while, for the next failure.
    stale = Q(free_at__lt=now - _MAX_AHEAD)
    impossible = Q(free_at__gt=now + _MAX_AHEAD)
    with transaction.atomic():
        rows = Throttle.objects.filter(old | stale | impossible)
        keys = list(
            rows.select_for_update(skip_locked=True).values_list("pk", flat=True)[:_MAX_DELETED]
        )
        return Throttle.objects.filter(pk__in=keys).delete()[0]


def too_many_attempts(request: HttpRequest, seconds: int = 60) -> HttpResponse:
    """Return the 429 page. allauth uses it for its own limits too."""
    context = {"minutes": math.ceil(seconds / 60)}
    answer = render(request, "429.html", context, status=429)
    answer["Retry-After"] = str(seconds)
    return answer


def _refuse_spent(
    request: HttpRequest, counters: Iterable[Counter], free_at: dict[str, int], now: int
) -> None:
    wait = max(limit.wait(free_at.get(key, 0), now) for key, limit in counters)
    if wait:
        raise ImmediateHttpResponse(too_many_attempts(request, math.ceil(wait / 1000)))


def _free_at(counters: Iterable[Counter], *, lock: bool = False) -> dict[str, int]:
    """Return the counters by key.

    `lock` creates missing rows and locks all rows, always in the same order to avoid deadlocks.
    """
    keys = sorted({one.key for one in counters})
    rows = Throttle.objects.filter(pk__in=keys).order_by("pk")
    if lock:
        missing = [Throttle(key=key) for key in keys]
        Throttle.objects.bulk_create(missing, ignore_conflicts=True)
        rows = rows.select_for_update()
    return dict(rows.values_list("key", "free_at"))


def _now() -> int:
    return int(time.time() * 1000)
