"""Sends waiting notifications. Each channel is served by one worker at a time."""

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from messages.domain.problems import Problem
from messages.incidents.visibility import without_other_instances
from messages.models import Channel, Notification, NotificationState

from .digest import Digest
from .sending import NotificationFailedError, send

logger = logging.getLogger(__name__)

LEASE: Final = Channel.WAITS.lease
GIVE_UP_AFTER: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class ChannelDelivery:
    """A channel that this worker has leased until `lease`, and the digest to send."""

    channel: Channel
    lease: datetime
    notifications: Sequence[Notification]
    digest: Digest


def notify(limit: int = 50) -> int:
    """Notify every channel that is due; return how many were notified."""
    notified = 0
    for _ in range(limit):
        now = timezone.now()
        with Channel.objects.due(now).claim() as channels:
            deliveries = [_lease(channel, now) for channel in channels]
        if not deliveries:
            break
        notified += sum(map(_deliver, deliveries))
    return notified


def _lease(channel: Channel, now: datetime) -> ChannelDelivery:
    channel.next_at = now + LEASE
    channel.save(update_fields=["next_at"])
    waiting = Notification.objects.waiting().filter(channel=channel)
    # A digest that was being sent when a worker died is sent again unchanged.
    pending_id = waiting.exclude(digest=None).values_list("digest", flat=True).first()
    digest_id = pending_id or uuid.uuid4()
    if pending_id is None:
        waiting.update(digest=digest_id)
    notifications = list(waiting.filter(digest=digest_id).select_related("incident__instance"))
    # A channel limited to some instances must not name another one.
    limits = set(channel.instances.values_list("pk", flat=True))
    without_other_instances([one.incident for one in notifications], limits or None)
    return ChannelDelivery(
        channel, channel.next_at, notifications, Digest.of(digest_id, notifications)
    )


def _deliver(delivery: ChannelDelivery) -> bool:
    now = timezone.now()
    try:
        send(delivery.channel, delivery.digest)
    except NotificationFailedError as error:
        _failed(delivery, error, now)
        return False
    except Exception:
        # Counts as a failure, so that the channel is not blocked for later notifications.
        logger.exception("Notifying channel %s failed.", delivery.channel.pk)
        _failed(delivery, NotificationFailedError(Problem.IMPOSSIBLE), now)
        return False
    _succeeded(delivery, now)
    return True


@transaction.atomic
def _succeeded(delivery: ChannelDelivery, now: datetime) -> None:
    Notification.objects.filter(pk__in=[one.pk for one in delivery.notifications]).update(
        state=NotificationState.TOLD, told_at=now
    )
    _update(
        delivery,
        next_at=now + timedelta(minutes=delivery.channel.pause),
        tries=0,
        failing_since=None,
        problem="",
        problem_values=None,
        told_at=now,
    )


@transaction.atomic
def _failed(delivery: ChannelDelivery, error: NotificationFailedError, now: datetime) -> None:
    tries = delivery.channel.tries + 1
    failing_since = min(delivery.channel.failing_since or now, now)
    if now - failing_since >= GIVE_UP_AFTER:
        stale = Q(created_at__lte=now - GIVE_UP_AFTER, digest=delivery.digest.id)
        Notification.objects.waiting().filter(stale, channel=delivery.channel).update(
            state=NotificationState.GIVEN_UP
        )
    _update(
        delivery,
        next_at=now + Channel.WAITS.after(tries, at_least=error.retry_after),
        tries=tries,
        failing_since=failing_since,
        problem=error.problem,
        problem_values=None,
    )


def _update(delivery: ChannelDelivery, **result: Any) -> None:
    """Update the channel, unless another worker took it over or somebody changed it meanwhile."""
    Channel.objects.filter(pk=delivery.channel.pk, next_at=delivery.lease).update(**result)
