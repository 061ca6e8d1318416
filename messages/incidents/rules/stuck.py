from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from django.db.models import Max

from messages.incidents.findings import Finding, Snapshot
from messages.incidents.stuck_messages import RecentCounts, are_still_stuck, recent_counts
from messages.models import Incident, IncidentKind, Instance


def stuck_messages(snapshot: Snapshot) -> Iterator[Finding]:
    found, reconnected = recent_counts(snapshot.instances, snapshot.now), _reconnected(snapshot)
    for instance in snapshot.instances:
        if incident := snapshot.open_incident(IncidentKind.STUCK, instance):
            is_found = are_still_stuck(instance, incident.opened_at, snapshot.now)
        else:
            is_new = found.get(instance.pk, RecentCounts()).is_incident
            is_found = is_new and not _is_catching_up(instance, reconnected, snapshot)
        if is_found:
            yield Finding(IncidentKind.STUCK, instance)


def _reconnected(snapshot: Snapshot) -> Mapping[int | None, datetime]:
    """When the latest reported disconnection of each instance ended."""
    longest = max((instance.stuck_after for instance in snapshot.instances), default=0)
    since = snapshot.now - timedelta(minutes=longest)
    over = Incident.objects.filter(kind=IncidentKind.DISCONNECTED, resolved_at__gt=since)
    return dict(over.order_by().values_list("instance").annotate(latest=Max("resolved_at")))


def _is_catching_up(
    instance: Instance, reconnected: Mapping[int | None, datetime], snapshot: Snapshot
) -> bool:
    """Messages that waited during a disconnection are being delivered now."""
    since = snapshot.now - timedelta(minutes=instance.stuck_after)
    return instance.pk in reconnected and reconnected[instance.pk] > since
