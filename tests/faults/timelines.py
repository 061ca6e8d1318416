"""The stored messages and events, without arrival times, ids and duplicate counts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.faults.load import Payload

Query = Callable[[str], list[tuple[Any, ...]]]

_MESSAGES = """
SELECT m.zapi_id, m.zaap_id, m.rank, m.phone, m.is_group, m.several, m.inbound, m.started_at,
       m.last_event_at, m.dispatched_at, m.sent_at, m.failed_at, m.failure, m.failure_code,
       m.delivered_at, m.read_at, m.played_at, m.by_us_at
FROM whatsapp_message m JOIN whatsapp_instance i ON i.id = m.instance_id
WHERE i.zapi_id = '{}'"""

_EVENTS = """
SELECT m.zapi_id, e.source, e.status, e.raw_status, e.momment, e.occurred_at, e.time_is_arrival,
       e.phone, e.participant, e.device, e.reason
FROM whatsapp_statusevent e
JOIN whatsapp_message m ON m.id = e.message_id JOIN whatsapp_instance i ON i.id = m.instance_id
WHERE i.zapi_id = '{}'"""


@dataclass(frozen=True)
class Timelines:
    messages: set[tuple[Any, ...]]
    events: set[tuple[Any, ...]]

    def missing(self, acknowledged: list[Payload]) -> int:
        """The number of acknowledged steps that are missing."""
        there = {(event[0], event[2]) for event in self.events}
        told = {(name, payload["status"]) for payload in acknowledged for name in payload["ids"]}
        return len(told - there)


def timelines(query: Query, zapi_id: str) -> Timelines:
    messages, events = (query(sql.format(zapi_id)) for sql in (_MESSAGES, _EVENTS))
    found = Timelines(set(messages), set(events))
    # A set would hide duplicate rows, so compare the counts.
    assert (len(messages), len(events)) == (len(found.messages), len(found.events))
    return found
