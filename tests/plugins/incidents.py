from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from messages.incidents.detect import CLEAR_FOR, detect
from messages.ingest import new_delivery_id
from messages.models import Callback, Incident, Instance, Message, Outcome, Transition
from tests.plugins.clock import Clock


class RecordingListener(list[tuple[str, str]]):
    """A listener that records its calls."""

    def __call__(self, incident: Incident, transition: Transition) -> None:
        self.append((incident.kind, transition.value))


@pytest.fixture
def listener() -> RecordingListener:
    return RecordingListener()


@pytest.fixture
def look(listener: RecordingListener) -> Callable[[], list[str]]:
    """Run the detection once; return the kinds of open incidents."""

    def once() -> list[str]:
        detect(listener)
        return sorted(Incident.objects.open().values_list("kind", flat=True))

    return once


@pytest.fixture
def settle(look: Callable[[], list[str]], clock: Clock) -> Callable[[], list[str]]:
    """Run the detection twice, far enough apart to resolve absent incidents."""

    def twice() -> list[str]:
        look()
        clock.advance(seconds=CLEAR_FOR.total_seconds() + 1)
        return look()

    return twice


def send(instance: Instance, number: int, at: datetime, *, rank: int = 20, **more: Any) -> None:
    """Create outgoing messages of that age and status."""
    first = Message.objects.count()
    Message.objects.bulk_create(
        Message(
            instance=instance,
            zapi_id=f"M{first + count}",
            rank=rank,
            **{
                "phone": "5544999999999",
                "is_group": False,
                "inbound": False,
                "first_heard_at": at,
                "started_at": at,
            }
            | more,
        )
        for count in range(number)
    )


def hear(instance: Instance, *moments: datetime) -> None:
    Callback.objects.bulk_create(
        Callback(
            id=new_delivery_id(),
            instance=instance,
            type="MessageStatusCallback",
            received_at=moment,
            outcome=Outcome.APPLIED,
            size=2,
            body=b"{}",
        )
        for moment in moments
    )


def every(gap: timedelta, *, since: datetime, until: datetime) -> list[datetime]:
    return [since + gap * step for step in range(int((until - since) / gap))]


def ago(clock: Clock, **by: float) -> datetime:
    return clock.now.astimezone(UTC) - timedelta(**by)
