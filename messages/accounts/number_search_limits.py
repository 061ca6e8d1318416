"""Limit searches for numbers by people and keys that may not see numbers.

Everybody may search for a full number, so numbers could be guessed. Searches are counted in the
database across all processes, and audited per hour. Many searches without a result open an incident
(messages.incidents.rules.guessing).
"""

from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth.models import User
from django.db.models import F, Q, Sum
from django.utils import timezone

from messages.accounts.audit import audit
from messages.domain import addresses
from messages.models import Action, NumberSearches
from messages.models.due import is_ahead

from .api_keys import KeyHolder
from .masking import masked, sees_phones
from .scope import Viewer

PER_MINUTE: Final = 20
PER_DAY: Final = 200
_DAY: Final = timedelta(days=1)
_KEPT: Final = "_statusboard_number_searches"


def may_be_a_number(text: str) -> bool:
    """Whether a search for this text could confirm a guess of a hidden number."""
    plain = addresses.clean_input(text)
    if plain and masked(plain) == plain:
        return False
    return bool(addresses.full_numbers(plain)) or addresses.mask_numbers(text) != text


def wait_to_search(user: Viewer, text: str) -> int:
    """Count one search, and return the seconds to wait if the limit is reached, else 0.

    A request counts each text once. Searches are not counted if the user may see numbers or if the
    text cannot be a number.
    """
    if sees_phones(user) or not may_be_a_number(text):
        return 0
    asked = _asked(user)
    if text not in asked:
        asked[text] = _count(user)
    return max(0, asked[text])


def record_no_result(user: Viewer, text: str) -> None:
    """Record that the search counted by `wait_to_search` had no result."""
    if _asked(user).get(text) == 0:
        _asked(user)[text] = -1  # -1: already recorded; wait_to_search() returns 0 for it
        this = NumberSearches.objects.filter(who=_who(user), hour=_hour(timezone.now()))
        this.update(in_vain=F("in_vain") + 1)


def audit_number_searches() -> int:
    """Write one audit event per person and past hour. Run by the worker."""
    now = timezone.now()
    done = 0
    for row in NumberSearches.objects.filter(is_audited=False, hour__lt=_hour(now)):
        if NumberSearches.objects.filter(pk=row.pk, is_audited=False).update(is_audited=True):
            audit(row.user, Action.NUMBERS_SEARCHED, details=_details(row))
            done += 1
    NumberSearches.objects.filter(is_audited=True, hour__lt=now - 2 * _DAY).delete()
    return done


def _details(row: NumberSearches) -> dict[str, Any]:
    who = {} if row.user else {"by": row.name}
    return who | {
        "hour": f"{row.hour:%Y-%m-%d %H:00} UTC",
        "searches": row.searches,
        "without result": row.in_vain,
        "refused": row.refused,
    }


def _count(user: Viewer) -> int:
    """Check and count in one statement, so that two searches cannot use the same quota."""
    now = timezone.now()
    minute = now.replace(second=0, microsecond=0)
    row, _created = NumberSearches.objects.get_or_create(
        who=_who(user),
        hour=_hour(now),
        defaults={
            "name": user.get_username()[:150],
            "user": user if isinstance(user, User) else None,
            "minute": minute,
        },
    )
    this = NumberSearches.objects.filter(pk=row.pk)
    if _today(user, now) >= PER_DAY:
        this.update(refused=F("refused") + 1)
        return 3600
    if this.filter(Q(minute__lt=minute) | is_ahead("minute", now)).update(
        minute=minute, in_minute=1, searches=F("searches") + 1
    ):
        return 0
    has_room = Q(in_minute__lt=PER_MINUTE)
    if this.filter(has_room).update(in_minute=F("in_minute") + 1, searches=F("searches") + 1):
        return 0
    this.update(refused=F("refused") + 1)
    return 60


def _today(user: Viewer, now: datetime) -> int:
    rows = NumberSearches.objects.filter(who=_who(user), hour__gt=now - _DAY)
    rows = rows.exclude(is_ahead("hour", now))
    return rows.aggregate(sum=Sum("searches"))["sum"] or 0


def _who(user: Viewer) -> str:
    return f"key {user.key.pk}" if isinstance(user, KeyHolder) else f"user {user.pk}"


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _asked(user: Viewer) -> dict[str, int]:
    """Return the searches of this request, stored on its `user` object."""
    found: dict[str, int] | None = getattr(user, _KEPT, None)
    if found is None:
        found = {}
        setattr(user, _KEPT, found)
    return found
