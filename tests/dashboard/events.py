"""Unsaved status events for tests without a database."""

from datetime import UTC, datetime, timedelta

from messages.domain.statuses import Status
from messages.models import StatusEvent

START = datetime(2026, 11, 22, 9, 13, 51, tzinfo=UTC)
PHONE = "5544999999999"
PHONE_WITHOUT_THE_9 = "554499999999"
LID = "123456789012345@lid"
GROUP = "120363019502650977-group"


def event(status: Status, seconds: float = 0, *, lag: float = 1, **fields) -> StatusEvent:
    """One step, `seconds` after START, arriving `lag` seconds later."""
    occurred_at = START + timedelta(seconds=seconds)
    return StatusEvent(
        status=status.value,
        occurred_at=occurred_at,
        received_at=occurred_at + timedelta(seconds=lag),
        **{"phone": PHONE, "raw_status": status.value} | fields,
    )


def in_group(status: Status, participant: str, seconds: float = 0, **fields) -> StatusEvent:
    return event(status, seconds, phone=GROUP, participant=participant, **fields)
