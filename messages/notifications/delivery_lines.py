"""The channels as workers share them: each is served by one worker at a time."""

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone, translation

from messages.incidents.visibility import without_other_instances
from messages.models import Channel, ForwardProblem, Notification, NotificationState

from .digest import Digest
from .sending import NotificationFailedError, send

logger = logging.getLogger(__name__)

LEASE: Final = Channel.WAITS.lease
GIVES_UP_AFTER: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class ChannelDelivery:
    """A channel in this worker's hands until `lease`, and what it is to be told."""

    channel: Channel
    lease: datetime
    notifications: Sequence[Notification]
    digest: Digest


def notify(most: int = 50) -> int:
    """Tell every channel that is due; gives how many were told."""
    told = 0
    for _ in range(most):
        now = timezone.now()
        # Looked at without a lock: on SQLite, asking in vain must not stop the door from writing.
        errand = _claim(now) if Channel.objects.due(now).exists() else None
        if errand is None:
            break
        told += _run(errand)
    return told


@transaction.atomic
def _claim(now: datetime) -> ChannelDelivery | None:
    channel = Channel.objects.due(now).select_for_update(skip_locked=True, of=("self",)).first()
    if channel is None:
        return None
    channel.next_at = now + LEASE
    channel.save(update_fields=["next_at"])
    waiting = Notification.objects.waiting().filter(channel=channel)
    # What was on its way when a worker died goes out as the very same message.
    begun = waiting.exclude(digest=None).values_list("digest", flat=True).first()
    digest_id = begun or uuid.uuid4()
    if begun is None:
        waiting.update(digest=digest_id)
    chosen = list(waiting.filter(digest=digest_id).select_related("incident__instance"))
    # A channel of some instances tells no name of another one.
    limits = set(channel.instances.values_list("pk", flat=True))
    without_other_instances([one.incident for one in chosen], limits or None)
    return ChannelDelivery(channel, channel.next_at, chosen, Digest.of(digest_id, chosen))


def _run(errand: ChannelDelivery) -> bool:
    now = timezone.now()
    try:
        send(errand.channel, errand.digest)
    except NotificationFailedError as error:
        _failed(errand, error, now)
        return False
    except Exception:
        # Given up like any other, or it would keep the channel from whatever comes after it.
        logger.exception("Notifying channel %s failed.", errand.channel.pk)
        _failed(errand, NotificationFailedError(ForwardProblem.IMPOSSIBLE.label), now)
        return False
    _told(errand, now)
    return True


@transaction.atomic
def _told(errand: ChannelDelivery, now: datetime) -> None:
    Notification.objects.filter(pk__in=[one.pk for one in errand.notifications]).update(
        state=NotificationState.TOLD, told_at=now
    )
    _update(
        errand,
        next_at=now + timedelta(minutes=errand.channel.pause),
        tries=0,
        failing_since=None,
        problem="",
        told_at=now,
    )


@transaction.atomic
def _failed(errand: ChannelDelivery, error: NotificationFailedError, now: datetime) -> None:
    tries = errand.channel.tries + 1
    failing_since = min(errand.channel.failing_since or now, now)
    if now - failing_since >= GIVES_UP_AFTER:
        stale = Q(created_at__lte=now - GIVES_UP_AFTER, digest=errand.digest.id)
        Notification.objects.waiting().filter(stale, channel=errand.channel).update(
            state=NotificationState.GIVEN_UP
        )
    with translation.override(None):
        problem = str(error.words)  # in the source's language; `Channel.words` translates it
    _update(
        errand,
        next_at=now + max(Channel.WAITS.after(tries), error.wish or timedelta()),
        tries=tries,
        failing_since=failing_since,
        problem=problem,
    )


def _update(errand: ChannelDelivery, **result: Any) -> None:
    """Not where the channel is somebody else's by now, or was changed meanwhile."""
    Channel.objects.filter(pk=errand.channel.pk, next_at=errand.lease).update(**result)
