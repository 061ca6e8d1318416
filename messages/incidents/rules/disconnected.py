from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from messages.incidents.findings import Finding, Watch
from messages.models import IncidentKind

# A phone that is restarted is back by then, and nobody has to know.
_GRACE: Final = timedelta(minutes=2)


def disconnected(watch: Watch) -> Iterator[Finding]:
    for instance in watch.instances:
        since = instance.connection_changed_at
        if instance.connected is False and (since is None or since <= watch.now - _GRACE):
            values = {
                "reason": instance.connection_reason,
                "status": instance.status_error,
                "smartphone": instance.smartphone_connected,
            }
            yield Finding(IncidentKind.DISCONNECTED, instance, values=values, since=since)
