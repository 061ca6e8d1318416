import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from messages.forwarding import Forwarder, set_forwarding
from messages.ingest import Delivery, new_delivery_id, record
from messages.jobs.follow_ups import follow_up
from messages.models import Instance, Webhook, WebhookKind
from tests.plugins.receiver import Receiver


@pytest.fixture
def forwards(instance: Instance, receiver: Receiver) -> Webhook:
    """The status webhook, forwarded to the receiver."""
    return forwarding(instance, receiver.url)


def forwarding(
    instance: Instance, url: str, kind: str = WebhookKind.MESSAGE_STATUS, **options: Any
) -> Webhook:
    webhook, _ = Webhook.objects.get_or_create(instance=instance, kind=kind)
    set_forwarding(webhook, url, **options)
    return webhook


def status(number: int = 0, **more: Any) -> bytes:
    payload = {
        "type": "MessageStatusCallback",
        "status": "SENT",
        "ids": [f"M{number}"],
        "momment": 1632234645000,
    }
    return json.dumps(payload | more).encode()


def store(instance: Instance, *bodies: bytes) -> list[str]:
    """Store callbacks as the webhook endpoint does; return their ids."""
    # Sort the ids, because ids of the same millisecond have no defined order.
    ids = sorted(new_delivery_id() for _ in bodies)
    for delivery_id, body in zip(ids, bodies, strict=True):
        record(Delivery(delivery_id, instance.zapi_id, 1, datetime.now(UTC), body))
    return [str(delivery_id) for delivery_id in ids]


def forward(clock: Callable[[], datetime] | None = None) -> int:
    """Run the worker's jobs once."""
    follow_up()
    stop = threading.Event()
    return (Forwarder(stop, clock) if clock else Forwarder(stop)).run()
