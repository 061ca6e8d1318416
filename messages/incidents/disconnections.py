from datetime import datetime

from messages.models import Incident, IncidentKind, Instance


def connection_changed_at(instance: Instance) -> datetime | None:
    """Since when it is connected or not, as its incident tells it.

    A number that was back only for a moment is one disconnection, from the first report on.
    """
    if instance.connected is False:
        told = Incident.objects.open().filter(instance=instance, kind=IncidentKind.DISCONNECTED)
        if incident := told.first():
            return incident.opened_at
    return instance.connection_changed_at
