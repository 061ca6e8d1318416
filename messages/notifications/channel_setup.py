"""Creates, changes, tests and removes channels."""

import uuid
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from messages.accounts.audit import audit
from messages.models import Action, Channel, Instance

from .digest import TestMessage
from .notification_queue import queue_open_incidents
from .sending import NotificationFailedError, send


@transaction.atomic
def save_channel(
    channel: Channel,
    request: HttpRequest,
    *,
    instances: Iterable[Instance],
    address: str = "",
    secret: str = "",
    **fields: Any,
) -> Channel:
    """Save a channel and retry its waiting notifications at once.

    A blank address or secret keeps the stored one. Open incidents that the channel has not been
    notified about are queued.
    """
    is_new, changed = channel.pk is None, []
    for name, value in fields.items():
        if getattr(channel, name) != value:
            changed.append(name)
            setattr(channel, name, value)
    for name, value in (("address", address), ("secret", secret)):
        if value:
            changed.append(name)
            setattr(channel, name, value)
    channel.next_at, channel.tries = timezone.now(), 0
    channel.failing_since = None
    channel.set_problem()
    channel.save()
    if set(channel.instances.all()) != set(instances := list(instances)):
        changed.append("instances")
        channel.instances.set(instances)
    queue_open_incidents(channel)
    if is_new:
        audit(request, Action.CHANNEL_ADDED, details=_details(channel))
    else:
        details = _details(channel) | {"changed": changed}
        audit(request, Action.CHANNEL_CHANGED, details=details)
    return channel


@transaction.atomic
def remove_channel(channel: Channel, request: HttpRequest) -> None:
    audit(request, Action.CHANNEL_REMOVED, details=_details(channel))
    channel.delete()


def send_test(channel: Channel, request: HttpRequest) -> str:
    """Send a test message; return the problem, or '' if it was sent."""
    audit(request, Action.CHANNEL_TESTED, details=_details(channel))
    try:
        send(channel, TestMessage(uuid.uuid4()))
    except NotificationFailedError as error:
        return str(error)
    return ""


def _details(channel: Channel) -> dict[str, Any]:
    return {"channel": channel.name, "kind": channel.kind}
