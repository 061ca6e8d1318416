"""Which messages are stuck, and how many. Every page, the API, metrics and incidents ask here.

A message is stuck when we sent it through an instance in use, and it was not delivered within the
time that its instance allows. Their number is that of the last 24 hours.

No index of its own: the rank changes with every step, and what could stand in for it at a message's
delivery. Measured through `ingest.record` with 500 messages sent, delivered and read: 95 % of the
updates are HOT without such an index, 36 % with a partial one over `delivered_at`, none with one
over the rank. So whoever asks bounds `first_heard_at`, whose index is there anyway: among 5 million
messages the watch takes 5 ms, and a page of 50 takes 1 ms where 5 % are stuck.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from django.db.models import Count, Q, QuerySet
from django.db.models.lookups import GreaterThanOrEqual, LessThanOrEqual

from messages.domain.statuses import Status
from messages.models import Instance, Message
from messages.models.unindexed import Unindexed

_Messages = TypeVar("_Messages", bound=QuerySet[Message])

# How far back, for what an instance allows.
_Reach = Callable[[timedelta], timedelta]

_UNDELIVERED: Final = {Status.DISPATCHED.rank, Status.SENT.rank}
# What such addresses get is sent, and a delivery never reported: posts, broadcast lists, channels.
_NEVER_STUCK: Final = ("@broadcast", "-broadcast", "@newsletter")
_DAY: Final = timedelta(days=1)
_DAYS_COUNTED: Final = (1, 7, 30)
_LATELY: Final = timedelta(hours=1)
# A contact whose phone is off is no incident; several in a row, and a good part of all, are.
_LEAST: Final = 3
_PART: Final = 0.2


@dataclass(frozen=True, slots=True)
class Lately:
    """Messages of an instance that should have been delivered within the last hour."""

    due: int = 0
    stuck: int = 0

    @property
    def threshold(self) -> int:
        """So many of them have to be stuck to make an incident."""
        return max(_LEAST, math.ceil(_PART * self.due))

    @property
    def is_incident(self) -> bool:
        return self.stuck >= self.threshold


def thresholds() -> set[int]:
    """After how many minutes messages are stuck: nearly always one number for all instances.

    Asked for apart, because a time can be looked up in an index, and a sum cannot.
    """
    active = Instance.objects.active().order_by()
    return set(active.values_list("stuck_after", flat=True).distinct())


def overdue(
    messages: _Messages, now: datetime, limits: Iterable[int], reach: _Reach | None = None
) -> _Messages:
    """Those of which somebody should have heard by now that they arrived.

    `limits` are the thresholds of their instances, in minutes.
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
    return messages.filter(late, inbound=False, instance__archived_at=None).exclude(_never_stuck())


def stuck(messages: _Messages, now: datetime) -> _Messages:
    """However long ago they were sent."""
    return overdue(messages, now, thresholds()).filter(rank__in=_UNDELIVERED)


def stuck_now(messages: _Messages, now: datetime, limits: Iterable[int] | None = None) -> _Messages:
    """Those that are counted wherever the number of stuck messages is told."""
    limits = thresholds() if limits is None else limits
    return overdue(messages, now, limits, _reach_of_number).filter(rank__in=_UNDELIVERED)


def stuck_numbers(instances: Iterable[Instance], now: datetime) -> dict[int, int]:
    """How many messages of each are stuck, in one query for all; none where none is."""
    limits = {one.pk: one.stuck_after for one in instances}
    messages = Message.objects.filter(instance__in=limits)
    counted = stuck_now(messages, now, limits.values()).order_by().values_list("instance")
    return dict(counted.annotate(number=Count("pk"))) if limits else {}


def lately(instances: Iterable[Instance], now: datetime) -> dict[int, Lately]:
    """By instance, where anything was due."""
    limits = {one.pk: one.stuck_after for one in instances}
    messages = Message.objects.filter(instance__in=limits)
    due = overdue(messages, now, limits.values(), lambda allowed: allowed + _LATELY)
    is_stuck = Q(rank__in=_UNDELIVERED)
    counted = due.order_by().values_list("instance")
    numbers = counted.annotate(due=Count("pk"), stuck=Count("pk", filter=is_stuck))
    return {pk: Lately(due, stuck) for pk, due, stuck in numbers} if limits else {}


def are_still_stuck(instance: Instance, opened_at: datetime, now: datetime) -> bool:
    """Whether there are enough to keep an incident open: of those that it began with, or later."""
    since = opened_at - timedelta(minutes=instance.stuck_after) - _LATELY
    messages = Message.objects.filter(instance=instance, first_heard_at__gte=since)
    found = stuck_now(messages, now, [instance.stuck_after])
    return found[:_LEAST].count() >= _LEAST


def stuck_for(message: Message, now: datetime) -> timedelta | None:
    """How long it has been on its way; None where it is not stuck. As `stuck` finds it."""
    allowed = timedelta(minutes=message.instance.stuck_after)
    waiting = now - message.started_at
    is_stuck = (
        waiting >= allowed
        and message.rank in _UNDELIVERED
        and not message.inbound
        and message.instance.archived_at is None
        and not message.phone.endswith(_NEVER_STUCK)
    )
    return waiting if is_stuck else None


def days_counted(allowed: timedelta) -> int:
    """How many days the number reaches back: one, or more for thresholds beyond half a day."""
    return next((days for days in _DAYS_COUNTED if 2 * allowed <= days * _DAY), _DAYS_COUNTED[-1])


def _reach_of_number(allowed: timedelta) -> timedelta:
    return days_counted(allowed) * _DAY


def _never_stuck() -> Q:
    found = Q()
    for ending in _NEVER_STUCK:
        found |= Q(phone__endswith=ending)
    return found
