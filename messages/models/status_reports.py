"""What was reported of many messages: the rows of StatusEvent, as light as a list needs them."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from messages.models import StatusEvent


class Report(NamedTuple):
    """The part of a StatusEvent that messages.domain.rollup needs; a tenth of the whole's size."""

    message_id: int
    status: str
    raw_status: str
    occurred_at: datetime
    phone: str
    participant: str
    reason: str


def reports_of(messages: Collection[int]) -> dict[int, list[Report]]:
    """By message, in one query. All of them are in memory at once: a group's may be thousands."""
    found: dict[int, list[Report]] = defaultdict(list)
    if messages:
        rows = StatusEvent.objects.filter(message__in=messages).values_list(*Report._fields)
        for report in map(Report._make, rows):
            found[report.message_id].append(report)
    return found
