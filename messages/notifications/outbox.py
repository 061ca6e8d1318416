from collections.abc import Iterable

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from messages.models import Channel, Incident, Notification, Transition


def enqueue(incident: Incident, transition: Transition) -> None:
    """Line it up for every channel that wants it; in the transaction that it belongs to."""
    now = timezone.now()
    Notification.objects.bulk_create(
        Notification(channel=channel, incident=incident, transition=transition, created_at=now)
        for channel in _interested(incident)
    )


def _interested(incident: Incident) -> Iterable[Channel]:
    chosen = Channel.instances.through.objects.filter(channel=OuterRef("pk"))
    wanted = Q(~Exists(chosen)) | Q(Exists(chosen.filter(instance=incident.instance)))
    if incident.instance is None:
        # What concerns the whole board concerns everybody.
        wanted = Q()
    channels = Channel.objects.filter(wanted, enabled=True)
    return [one for one in channels if not one.kinds or incident.kind in one.kinds]
