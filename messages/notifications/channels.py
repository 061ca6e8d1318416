"""Channels made, changed, tried and removed by people."""

import uuid
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from messages.accounts.audit import audit
from messages.models import Action, Channel, Instance

from .digest import Trial
from .notification_queue import catch_up
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
    """A blank address or secret keeps the one stored. What waits is tried anew, at once.

    It is told of what is wrong already, so far as it was not.
    """
    changed = ["added"] if channel.pk is None else []
    for name, value in fields.items():
        if getattr(channel, name) != value:
            changed.append(name)
            setattr(channel, name, value)
    for name, value in (("address", address), ("secret", secret)):
        if value:
            changed.append(name)
            setattr(channel, name, value)
    channel.next_at, channel.tries = timezone.now(), 0
    channel.failing_since, channel.problem = None, ""
    channel.save()
    if set(channel.instances.all()) != set(instances := list(instances)):
        changed.append("instances")
        channel.instances.set(instances)
    catch_up(channel)
    audit(
        request,
        Action.CHANNEL_CHANGED,
        details={"channel": channel.name, "kind": channel.kind, "changed": changed},
    )
    return channel


@transaction.atomic
def remove_channel(channel: Channel, request: HttpRequest) -> None:
    audit(
        request,
        Action.CHANNEL_CHANGED,
        details={"channel": channel.name, "kind": channel.kind, "changed": ["removed"]},
    )
    channel.delete()


def try_channel(channel: Channel, request: HttpRequest) -> str:
    """Send something made up; gives the problem in words, '' where the channel was told."""
    audit(
        request,
        Action.CHANNEL_CHANGED,
        details={"channel": channel.name, "kind": channel.kind, "changed": ["tested"]},
    )
    try:
        send(channel, Trial(uuid.uuid4()))
    except NotificationFailedError as error:
        return str(error.words)
    return ""
