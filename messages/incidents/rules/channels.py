from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from messages.incidents.findings import Finding, Snapshot
from messages.models import Channel, IncidentKind

# A receiver that restarts is back by then.
_GRACE: Final = timedelta(minutes=10)


def channels_failing(snapshot: Snapshot) -> Iterator[Finding]:
    """Notifications through a channel fail. The other channels report it."""
    failing = Channel.objects.filter(enabled=True, failing_since__lte=snapshot.now - _GRACE)
    by_name: dict[str, list[Channel]] = {}
    for channel in failing.order_by("failing_since", "pk"):
        by_name.setdefault(channel.name, []).append(channel)
    for name, channels in by_name.items():
        values = {"channels": [one.pk for one in channels]} | channels[0].problem_as_values
        yield Finding(IncidentKind.CHANNEL, place=name, values=values)
