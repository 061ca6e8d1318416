"""Which messages are stuck: sent by us, not delivered, older than their instance allows.

No index of its own. The rank changes with every step, and so do the columns that could stand in for
it: measured on a table like Message's, a partial index over the rank made a message's life 1.1 to
1.35 times as long in the database and took HOT updates from 49 % to 17 % of all (fillfactor 80).
So whoever asks bounds `first_heard_at`, whose index is there anyway.
"""

from datetime import datetime, timedelta
from typing import Final, TypeVar

from django.db.models import Q, QuerySet

from messages.models import Instance, Message
from messages.statuses import Status

_Messages = TypeVar("_Messages", bound=QuerySet[Message])

_UNDELIVERED: Final = {Status.ACCEPTED.rank, Status.SENT.rank}


def overdue(messages: _Messages, now: datetime) -> _Messages:
    """Those of which somebody should have heard by now that they arrived.

    Asks which thresholds there are, nearly always one: a time can be looked up, a sum cannot.
    """
    late = Q(pk__in=())
    for minutes in Instance.objects.order_by().values_list("stuck_after", flat=True).distinct():
        sent_by = now - timedelta(minutes=minutes)
        late |= Q(instance__stuck_after=minutes, started_at__lte=sent_by)
    return messages.filter(late, inbound=False)


def stuck(messages: _Messages, now: datetime) -> _Messages:
    return overdue(messages, now).filter(rank__in=_UNDELIVERED)
