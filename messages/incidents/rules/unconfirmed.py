from collections.abc import Iterator
from datetime import timedelta

from messages.incidents.findings import Finding, Snapshot
from messages.incidents.unconfirmed_messages import unconfirmed_counts
from messages.models import IncidentKind

from .disconnected import catching_up


def unconfirmed_messages(snapshot: Snapshot) -> Iterator[Finding]:
    """One such message is enough for an incident, because nobody else notices it."""
    found = unconfirmed_counts(snapshot.instances, snapshot.now)
    allowed = {one.pk: one.unconfirmed_after for one in snapshot.instances}
    held = catching_up(snapshot, allowed) if found else set()
    for instance in snapshot.instances:
        one, is_open = (
            found.get(instance.pk),
            snapshot.open_incident(IncidentKind.UNCONFIRMED, instance),
        )
        if one and (is_open or instance.pk not in held):
            waiting = snapshot.now - one.oldest
            yield Finding(
                IncidentKind.UNCONFIRMED,
                instance,
                values={"count": one.number, "waiting": int(waiting.total_seconds())},
                since=one.oldest + timedelta(minutes=instance.unconfirmed_after),
            )
