from collections.abc import Iterator

from messages.incidents.findings import Finding, Snapshot
from messages.incidents.stuck_messages import RecentCounts, are_still_stuck, recent_counts
from messages.models import IncidentKind

from .disconnected import catching_up


def stuck_messages(snapshot: Snapshot) -> Iterator[Finding]:
    found = recent_counts(snapshot.instances, snapshot.now)
    held = catching_up(snapshot, {one.pk: one.stuck_after for one in snapshot.instances})
    for instance in snapshot.instances:
        if incident := snapshot.open_incident(IncidentKind.STUCK, instance):
            is_found = are_still_stuck(instance, incident.opened_at, snapshot.now)
        else:
            is_new = found.get(instance.pk, RecentCounts()).is_incident
            is_found = is_new and instance.pk not in held
        if is_found:
            yield Finding(IncidentKind.STUCK, instance)
