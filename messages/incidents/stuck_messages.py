"""Defines which messages are stuck. Pages, API, metrics and incidents all use it.

A message is stuck when we sent it through an active instance and it was not delivered within the
time that the instance allows. Counts cover the last 24 hours.

There is no index on rank, because the rank changes with every event. We measured `ingest.record`
with 500 messages that were sent, delivered and read. Without such an index, 95 % of the updates are
HOT updates, in which PostgreSQL changes no index. With a partial index on `delivered_at` it is 36
%, with an index on the rank 0 %. Callers limit `first_heard_at` instead, which has an index anyway.
Among 5 million messages the incident check takes 5 ms, and a page of 50 takes 1 ms if 5 % are
stuck.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from django.db.models import Count, Q, QuerySet
from django.db.models.lookups import GreaterThanOrEqual, LessThanOrEqual

from messages.domain.message_kinds import MessageKind
from messages.domain.statuses import Status
from messages.models import Instance, Message
from messages.models.functions import Unindexed, of_kinds

_Messages = TypeVar("_Messages", bound=QuerySet[Message])

# How far to look back, given the time that an instance allows.
_Reach = Callable[[timedelta], timedelta]

_UNDELIVERED: Final = {Status.DISPATCHED.rank, Status.SENT.rank}
# WhatsApp does not always report deliveries of the other kinds.
MAY_BE_STUCK: Final = (MessageKind.INDIVIDUAL, MessageKind.GROUP)
_DAY: Final = timedelta(days=1)
_DAYS_COUNTED: Final = (1, 7, 30)
_RECENT: Final = timedelta(hours=1)
# One contact with a phone switched off is no incident. An incident needs at least _MIN_STUCK stuck
# messages, and they must be at least _MIN_SHARE of all due messages.
_MIN_STUCK: Final = 3
_MIN_SHARE: Final = 0.2


@dataclass(frozen=True, slots=True)
class RecentCounts:
    """Counts messages of an instance that should have been delivered within the last hour."""

    due: int = 0
    stuck: int = 0

    @property
    def threshold(self) -> int:
        """The number of stuck messages that opens an incident."""
        return max(_MIN_STUCK, math.ceil(_MIN_SHARE * self.due))

    @property
    def is_incident(self) -> bool:
        return self.stuck >= self.threshold


def thresholds() -> set[int]:
    """The distinct times allowed by instances, in minutes; nearly always a single value.

    It is a separate query, because a comparison with a constant can use the index. A time
    calculated for each row cannot.
    """
    active = Instance.objects.active().order_by()
    return set(active.values_list("stuck_after", flat=True).distinct())


def overdue(
    messages: _Messages, now: datetime, limits: Iterable[int], reach: _Reach | None = None
) -> _Messages:
    """Messages that should have been delivered by now.

    `limits` are the times that their instances allow, in minutes.
    """
    late, farthest = Q(pk__in=()), timedelta()
    for minutes in set(limits):
        allowed = timedelta(minutes=minutes)
        sent_in_time = LessThanOrEqual(Unindexed("started_at"), now - allowed)
        one = Q(sent_in_time, instance__stuck_after=minutes)
        if reach:
            farthest = max(farthest, reach(allowed))
            one &= Q(GreaterThanOrEqual(Unindexed("first_heard_at"), now - reach(allowed)))
        late |= one
    if reach:
        messages = messages.filter(first_heard_at__gte=now - farthest)
    found = messages.filter(late, inbound=False, instance__archived_at=None)
    return found.filter(of_kinds(MAY_BE_STUCK))


def stuck(messages: _Messages, now: datetime) -> _Messages:
    """All stuck messages, however old."""
    return overdue(messages.filter(rank__in=_UNDELIVERED), now, thresholds())


def stuck_now(messages: _Messages, now: datetime, limits: Iterable[int] | None = None) -> _Messages:
    """The stuck messages that are counted on every page."""
    limits = thresholds() if limits is None else limits
    return overdue(messages.filter(rank__in=_UNDELIVERED), now, limits, _reach_of_number)


def stuck_counts(instances: Iterable[Instance], now: datetime) -> dict[int, int]:
    """The number of stuck messages per instance, without those that have none. One query."""
    limits = {one.pk: one.stuck_after for one in instances}
    messages = Message.objects.filter(instance__in=limits)
    counted = stuck_now(messages, now, limits.values()).order_by().values_list("instance")
    return dict(counted.annotate(number=Count("pk"))) if limits else {}


def recent_counts(instances: Iterable[Instance], now: datetime) -> dict[int, RecentCounts]:
    """Counts per instance, for instances that had messages due."""
    limits = {one.pk: one.stuck_after for one in instances}
    messages = Message.objects.filter(instance__in=limits)
    due = overdue(messages, now, limits.values(), lambda allowed: allowed + _RECENT)
    is_stuck = Q(rank__in=_UNDELIVERED)
    counted = due.order_by().values_list("instance")
    numbers = counted.annotate(due=Count("pk"), stuck=Count("pk", filter=is_stuck))
    return {pk: RecentCounts(due, stuck) for pk, due, stuck in numbers} if limits else {}


def are_still_stuck(instance: Instance, opened_at: datetime, now: datetime) -> bool:
    """Whether enough messages are still stuck, of those sent since shortly before the incident."""
    since = opened_at - timedelta(minutes=instance.stuck_after) - _RECENT
    messages = Message.objects.filter(instance=instance, first_heard_at__gte=since)
    found = stuck_now(messages, now, [instance.stuck_after])
    return found[:_MIN_STUCK].count() >= _MIN_STUCK


def stuck_for(message: Message, now: datetime) -> timedelta | None:
    """How long the message has been undelivered, or None if it is not stuck (see `stuck`)."""
    allowed = timedelta(minutes=message.instance.stuck_after)
    waiting = now - message.started_at
    is_stuck = (
        waiting >= allowed
        and message.rank in _UNDELIVERED
        and not message.inbound
        and message.instance.archived_at is None
        and message.kind in MAY_BE_STUCK
    )
    return waiting if is_stuck else None


def days_counted(allowed: timedelta) -> int:
    """The number of days that counts cover: one, or more if the allowed time exceeds half a day."""
    return next((days for days in _DAYS_COUNTED if 2 * allowed <= days * _DAY), _DAYS_COUNTED[-1])


def counted_days(instance: Instance) -> int:
    """The number of days that the counts of this instance's stuck messages cover."""
    return days_counted(timedelta(minutes=instance.stuck_after))


def _reach_of_number(allowed: timedelta) -> timedelta:
    return days_counted(allowed) * _DAY
