from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from messages import phones
from messages.models import IncidentKind

from ..finding import Finding, Watch

# It is no state that ends: people are told, and after a day it is taken as known.
_TOLD_FOR: Final = timedelta(days=1)


def number_changed(watch: Watch) -> Iterator[Finding]:
    """Another number was connected than before: messages are sent from it now."""
    for instance in watch.instances:
        since = instance.number_changed_at
        if since and watch.now - since < _TOLD_FOR:
            # Enough to tell them apart: everybody who is told reads them.
            values = {
                "before": phones.hidden(instance.previous_number),
                "now": phones.hidden(instance.number),
            }
            yield Finding(IncidentKind.NUMBER, instance, values=values, since=since)
