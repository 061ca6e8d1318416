from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from messages.domain import addresses
from messages.incidents.findings import Finding, Snapshot
from messages.models import IncidentKind

# The change is an event, not a state: the incident closes after a day.
_OPEN_FOR: Final = timedelta(days=1)


def number_changed(snapshot: Snapshot) -> Iterator[Finding]:
    """Another number than before is connected, and messages are sent from it."""
    for instance in snapshot.instances:
        since = instance.number_changed_at
        if since and snapshot.now - since < _OPEN_FOR:
            # Enough digits to tell the numbers apart; everyone who is notified sees them.
            values = {
                "before": addresses.masked(instance.previous_number),
                "now": addresses.masked(instance.number),
            }
            yield Finding(IncidentKind.NUMBER, instance, values=values, since=since)
