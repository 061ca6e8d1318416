from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Max

from messages.incidents.findings import Finding, Snapshot
from messages.models import Incident, IncidentKind, Instance

# A phone that restarts is back by then.
_GRACE: Final = timedelta(minutes=2)


def disconnected(snapshot: Snapshot) -> Iterator[Finding]:
    for instance in snapshot.instances:
        since = instance.connection_changed_at
        if instance.connected is False and (since is None or since <= snapshot.now - _GRACE):
            values = {
                "reason": instance.connection_reason,
                "status": instance.status_error,
                "smartphone": instance.smartphone_connected,
            }
            yield Finding(IncidentKind.DISCONNECTED, instance, values=values, since=since)


def connection_changed_at(instance: Instance) -> datetime | None:
    """When the connection state last changed.

    While disconnected, this is the start of the incident: short reconnections in between do not
    count.
    """
    if instance.connected is False:
        incidents = Incident.objects.open().filter(
            instance=instance, kind=IncidentKind.DISCONNECTED
        )
        if incident := incidents.first():
            return incident.opened_at
    return instance.connection_changed_at


def catching_up(snapshot: Snapshot, allowed: Mapping[int, int]) -> set[int]:
    """The instances whose messages waited during a disconnection and are being sent now.

    `allowed` is the time that each instance allows its messages, in minutes.
    """
    longest = timedelta(minutes=max(allowed.values(), default=0))
    over = Incident.objects.filter(
        kind=IncidentKind.DISCONNECTED, instance__in=allowed, resolved_at__gt=snapshot.now - longest
    )
    latest = over.order_by().values_list("instance").annotate(latest=Max("resolved_at"))
    return {pk for pk, at in latest if pk and at > snapshot.now - timedelta(minutes=allowed[pk])}
