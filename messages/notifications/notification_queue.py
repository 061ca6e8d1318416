from collections.abc import Iterable

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from messages.models import Channel, Incident, IncidentKind, Notification, Transition


def enqueue(incident: Incident, transition: Transition) -> None:
    """Line it up for every channel that wants it; in the transaction that it belongs to."""
    is_news = transition == Transition.OPENED
    channels = _interested(incident) if is_news else _told_of(incident)
    _line_up(transition, ((channel, incident) for channel in channels))


def catch_up(channel: Channel) -> None:
    """Have it told of what was wrong already before it was there, or wanted to know."""
    if not channel.enabled:
        return
    going_on = Incident.objects.open().filter(clear_since=None).order_by("opened_at", "pk")
    if chosen := list(channel.instances.all()):
        going_on = going_on.filter(Q(instance=None) | Q(instance__in=chosen))
        going_on = going_on.exclude(kind=IncidentKind.GUESSING)
    wanted = [(channel, one) for one in going_on if _wants(channel, one)]
    _line_up(Transition.OPENED, wanted)


def _line_up(transition: Transition, what: Iterable[tuple[Channel, Incident]]) -> None:
    now = timezone.now()
    Notification.objects.bulk_create(
        [
            Notification(channel=channel, incident=incident, transition=transition, created_at=now)
            for channel, incident in what
        ],
        ignore_conflicts=True,  # a turn that it was told of before
    )


def _interested(incident: Incident) -> Iterable[Channel]:
    chosen = Channel.instances.through.objects.filter(channel=OuterRef("pk"))
    wanted = Q(~Exists(chosen)) | Q(Exists(chosen.filter(instance=incident.instance)))
    if incident.kind == IncidentKind.GUESSING:
        wanted = Q(~Exists(chosen))  # it names a person: for those who look after the whole board
    elif incident.instance is None:
        # What concerns the whole board concerns everybody.
        wanted = Q()
    channels = Channel.objects.filter(wanted, enabled=True)
    return [one for one in channels if _wants(one, incident)]


def _wants(channel: Channel, incident: Incident) -> bool:
    """Not of itself: it would be told once it works again, and that it is over with it."""
    is_about_itself = channel.pk in incident.values.get("channels", ())
    return not is_about_itself and (not channel.kinds or incident.kind in channel.kinds)


def _told_of(incident: Incident) -> Iterable[Channel]:
    """Who heard that it began is told how it went on, and nobody else."""
    begun = Notification.objects.filter(
        channel=OuterRef("pk"), incident=incident, transition=Transition.OPENED
    )
    return Channel.objects.filter(Exists(begun), enabled=True)
