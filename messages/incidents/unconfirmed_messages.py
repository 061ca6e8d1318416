"""Defines which messages were never confirmed. Pages, API, metrics and incidents all use it.

Other software can label a message right after it sends it. Such a label says that Z-API should soon
report the message. The message is never confirmed if Z-API reports nothing about it, under either
of its ids, within the time that the instance allows. Counts cover the last 24 hours. Labels from
CSV files announce nothing, because they may be about old messages.

The worker clears `awaited_since` of confirmed labels, which keeps the index small. Until the worker
has done so, the query checks whether the message exists.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.db.models import Count, Exists, Min, Q
from django.utils import timezone

from messages.models import Instance, Label, Message
from messages.models.label import LabelQuerySet

COUNTED: Final = timedelta(days=1)
# Older labels are looked up when they are shown.
_CONFIRMED_WITHIN: Final = timedelta(days=2)
_BATCH: Final = 1000


class Unconfirmed(NamedTuple):
    """The number of messages, and when the oldest was announced."""

    number: int
    oldest: datetime


def thresholds() -> set[int]:
    """The distinct times allowed by instances, in minutes; none while no message is awaited."""
    is_any_awaited = Exists(Label.objects.filter(awaited_since__isnull=False))
    active = Instance.objects.active().filter(is_any_awaited).order_by()
    return set(active.values_list("unconfirmed_after", flat=True).distinct())


def unconfirmed(
    labels: LabelQuerySet, now: datetime, limits: Iterable[int] | None = None
) -> LabelQuerySet:
    """The labels whose messages were never confirmed, however old.

    `limits` are the times that their instances allow, in minutes.
    """
    allowed = thresholds() if limits is None else set(limits)
    if not allowed:
        return labels.none()
    late = [
        Q(awaited_since__lte=now - timedelta(minutes=one), instance__unconfirmed_after=one)
        for one in allowed
    ]
    # The first condition is for the index.
    found = labels.filter(awaited_since__lte=now - timedelta(minutes=min(allowed)))
    return found.filter(Q(*late, _connector=Q.OR), instance__archived_at=None).without_message()


def unconfirmed_counts(instances: Iterable[Instance], now: datetime) -> dict[int, Unconfirmed]:
    """Counts per instance, without those that have none. One query."""
    limits = {one.pk: one.unconfirmed_after for one in instances}
    recent = Label.objects.filter(instance__in=limits, awaited_since__gte=now - COUNTED)
    counted = unconfirmed(recent, now, limits.values()).order_by().values_list("instance")
    numbers = counted.annotate(number=Count("pk"), oldest=Min("awaited_since"))
    return {pk: Unconfirmed(number, oldest) for pk, number, oldest in numbers}


def unconfirmed_for(label: Label, now: datetime) -> timedelta | None:
    """How long Z-API has reported nothing, or None if it is not late. Makes no query."""
    if label.awaited_since is None:
        return None
    waiting = now - label.awaited_since
    return waiting if waiting >= timedelta(minutes=label.instance.unconfirmed_after) else None


def confirm_labels() -> int:
    """Clear `awaited_since` of the labels whose message was reported; return their number."""
    awaited = Label.objects.filter(awaited_since__gte=timezone.now() - _CONFIRMED_WITHIN)
    reported = awaited.with_a_message_in(Message.objects.all()).order_by()
    done = 0
    while pks := list(reported.values_list("pk", flat=True)[:_BATCH]):
        done += Label.objects.filter(pk__in=pks).update(awaited_since=None)
    return done
