"""Limit the calls to Z-API per account.

Each account has one time, `next_turn_at`, and each call moves it further ahead. The worker checks
an account only after that time. Calls that people request may be made up to one period before it.
"""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from messages.models import Account
from messages.models.due import has_come, is_due

# 30 instances a minute with two calls each are 60 calls a minute.
INSTANCES_PER_PERIOD: Final = 30
PERIOD: Final = timedelta(minutes=1)
# A worker leases an account for this long. A time further ahead than this comes from a wrong
# clock and is ignored.
LEASE: Final = timedelta(minutes=10)


def cost_of(instances: int) -> timedelta:
    """Return how far calls for this many instances move `next_turn_at` ahead.

    At most one period.
    """
    return PERIOD * min(instances, INSTANCES_PER_PERIOD) / INSTANCES_PER_PERIOD


def latest_with_budget(now: datetime) -> datetime:
    """Return the latest `next_turn_at` with which an account has budget for one more instance."""
    return now + PERIOD - cost_of(1)


def has_budget(field: str, latest_turn: datetime) -> Q:
    """Return a filter for accounts whose time is at most `latest_turn`."""
    return is_due(field, latest_turn, LEASE)


@transaction.atomic
def spend(account_id: int) -> bool:
    """Use the budget of one instance. Return False if there is none."""
    now = timezone.now()
    account = Account.objects.select_for_update().get(pk=account_id)
    if not has_come(account.next_turn_at, latest_with_budget(now), LEASE):
        return False
    used_up_until = account.next_turn_at if account.next_turn_at <= latest_with_budget(now) else now
    account.next_turn_at = max(used_up_until, now) + cost_of(1)
    account.save(update_fields=["next_turn_at"])
    return True


def pause(account_id: int) -> None:
    """Make no calls for a period, after Z-API answered that there were too many."""
    Account.objects.filter(pk=account_id).update(next_turn_at=timezone.now() + 2 * PERIOD)
