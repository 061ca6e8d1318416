from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from messages.domain import addresses
from messages.incidents.findings import Finding, Watch
from messages.models import IncidentKind

# It is no state that ends: people are told, and after a day it is taken as known.
_TOLD_FOR: Final = timedelta(days=1)


def number_changed(watch: Watch) -> Iterator[Finding]:
    """Another number was connected than before: messages are sent from it now."""
    for instance in watch.instances:
        since = instance.number_changed_at
        if since and watch.now - since < _TOLD_FOR:
            # Enough to tell them apart: everybody who is told reads them.
            values = {
                "before": addresses.hidden(instance.previous_number),
                "now": addresses.hidden(instance.number),
            }
            yield Finding(IncidentKind.NUMBER, instance, values=values, since=since)
