"""How often one account's instances are asked about at Z-API, whoever asks.

An account's `next_turn_at` says until when its room is used up. The worker's verification waits for
that; what people ask for may go ahead of it by one turn.
"""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from messages.models import Account
from messages.models.due import has_come, is_due

# So many instances in this time: two calls for each make 60 a minute.
INSTANCES_A_TURN: Final = 30
TURN: Final = timedelta(minutes=1)
# An account that a worker verifies is another one's after this. Nothing puts its turn off longer.
LEASE: Final = timedelta(minutes=10)


def room_for(instances: int) -> timedelta:
    """What so many instances use up; a partner's list is no more than a turn, however long."""
    return TURN * min(instances, INSTANCES_A_TURN) / INSTANCES_A_TURN


def latest(now: datetime) -> datetime:
    """An account whose `next_turn_at` is later than this has no room for one more instance."""
    return now + TURN - room_for(1)


def is_free(field: str, latest_turn: datetime) -> Q:
    """Accounts whose turn comes by then."""
    return is_due(field, latest_turn, LEASE)


@transaction.atomic
def spend(account_id: int) -> bool:
    """Use up the room of one instance; False where there is none."""
    now = timezone.now()
    account = Account.objects.select_for_update().get(pk=account_id)
    if not has_come(account.next_turn_at, latest(now), LEASE):
        return False
    used_up_until = account.next_turn_at if account.next_turn_at <= latest(now) else now
    account.next_turn_at = max(used_up_until, now) + room_for(1)
    account.save(update_fields=["next_turn_at"])
    return True


def rest(account_id: int) -> None:
    """Ask nothing for a whole turn: Z-API said that it was too much."""
    Account.objects.filter(pk=account_id).update(next_turn_at=timezone.now() + 2 * TURN)
