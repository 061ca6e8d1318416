from datetime import datetime

from messages.models import Incident, IncidentKind, Instance


def connection_changed_at(instance: Instance) -> datetime | None:
    """When the connection state last changed.

    While disconnected, this is the start of the incident: short reconnections in between do not
    count.
    """
    if instance.connected is False:
        told = Incident.objects.open().filter(instance=instance, kind=IncidentKind.DISCONNECTED)
        if incident := told.first():
            return incident.opened_at
    return instance.connection_changed_at
