import json
from typing import Any

import pytest
from django.utils import timezone

from messages.models import Channel, ChannelKind, Incident, IncidentKind, Transition
from messages.notifications.notification_queue import enqueue
from tests.plugins.receiver import Receiver

SECRET = "a-secret-that-the-receiver-knows"


@pytest.fixture
def webhook(db: None, receiver: Receiver) -> Channel:
    return channel(ChannelKind.WEBHOOK, receiver.url, secret=SECRET)


def channel(kind: ChannelKind, address: str, **fields: Any) -> Channel:
    return Channel.objects.create(
        **{"name": str(kind.value), "kind": kind, "address": address, "pause": 10} | fields
    )


def opened(instance: Any, kind: IncidentKind = IncidentKind.STUCK, **fields: Any) -> Incident:
    now = timezone.now()
    defaults = {"opened_at": now, "last_seen_at": now, "values": {"count": 4, "queued": 37}}
    incident = Incident.objects.create(kind=kind, instance=instance, **defaults | fields)
    enqueue(incident, Transition.OPENED)
    return incident


def resolved(incident: Incident) -> None:
    incident.resolved_at = timezone.now()
    incident.save()
    enqueue(incident, Transition.RESOLVED)


def messages_of(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(body) for body in receiver.bodies]


def turns(message: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["kind"], one["transition"]) for one in message["incidents"]]
