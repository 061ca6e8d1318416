from collections.abc import Iterable

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from messages.models import Channel, Incident, IncidentKind, Notification, Transition


def enqueue(incident: Incident, transition: Transition) -> None:
    """Queue a notification for each channel that wants it, in the caller's transaction."""
    is_news = transition == Transition.OPENED
    channels = _interested_channels(incident) if is_news else _notified_channels(incident)
    _queue(transition, ((channel, incident) for channel in channels))


def queue_open_incidents(channel: Channel) -> None:
    """Queue the incidents that are already open and that the channel was not notified about."""
    if not channel.enabled:
        return
    open_incidents = Incident.objects.open().filter(clear_since=None).order_by("opened_at", "pk")
    if chosen := list(channel.instances.all()):
        open_incidents = open_incidents.filter(Q(instance=None) | Q(instance__in=chosen))
        open_incidents = open_incidents.exclude(kind=IncidentKind.GUESSING)
    wanted = [(channel, one) for one in open_incidents if _wants(channel, one)]
    _queue(Transition.OPENED, wanted)


def _queue(transition: Transition, pairs: Iterable[tuple[Channel, Incident]]) -> None:
    now = timezone.now()
    Notification.objects.bulk_create(
        [
            Notification(channel=channel, incident=incident, transition=transition, created_at=now)
            for channel, incident in pairs
        ],
        ignore_conflicts=True,  # the channel was already notified of this
    )


def _interested_channels(incident: Incident) -> Iterable[Channel]:
    chosen = Channel.instances.through.objects.filter(channel=OuterRef("pk"))
    wanted = Q(~Exists(chosen)) | Q(Exists(chosen.filter(instance=incident.instance)))
    if incident.kind == IncidentKind.GUESSING:
        wanted = Q(
            ~Exists(chosen)
        )  # it names a person, so it is only for channels that cover all instances
    elif incident.instance is None:
        # Incidents without an instance go to every channel.
        wanted = Q()
    channels = Channel.objects.filter(wanted, enabled=True)
    return [one for one in channels if _wants(one, incident)]


def _wants(channel: Channel, incident: Incident) -> bool:
    """A channel is not notified of its own failure: that would arrive after the failure is over."""
    is_about_itself = channel.pk in incident.values.get("channels", ())
    return not is_about_itself and (not channel.kinds or incident.kind in channel.kinds)


def _notified_channels(incident: Incident) -> Iterable[Channel]:
    """Return the channels that were notified when the incident opened.

    Only they are notified of what follows.
    """
    opened = Notification.objects.filter(
        channel=OuterRef("pk"), incident=incident, transition=Transition.OPENED
    )
    return Channel.objects.filter(Exists(opened), enabled=True)
