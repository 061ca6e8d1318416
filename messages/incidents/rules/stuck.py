from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Max, QuerySet

from messages.models import Incident, IncidentKind, Instance, Message

from ..finding import Finding, Watch
from ..stuck import overdue, stuck

# A contact whose phone is off is no incident; several in a row, and a good part of all, are.
LEAST: Final = 3
PART: Final = 0.2
# Of what was sent: looked at when opening, and while open.
_RECENT: Final = timedelta(hours=1)
_LONGEST: Final = timedelta(hours=24)
# Beyond this a number says no more.
COUNTED: Final = 1000


def stuck_messages(watch: Watch) -> Iterator[Finding]:
    suspects, reconnected = _suspects(watch), _reconnected(watch)
    for instance in watch.instances:
        incident = watch.opened(IncidentKind.STUCK, instance)
        is_suspect = incident or (
            instance.pk in suspects and not _is_catching_up(instance, reconnected, watch)
        )
        if is_suspect and (count := _count(watch, instance, incident)) >= LEAST:
            yield Finding(IncidentKind.STUCK, instance, values={"count": count})


def _reconnected(watch: Watch) -> Mapping[int | None, datetime]:
    """When each instance's latest disconnection that people were told of was over."""
    longest = max((instance.stuck_after for instance in watch.instances), default=0)
    since = watch.now - timedelta(minutes=longest)
    over = Incident.objects.filter(kind=IncidentKind.DISCONNECTED, resolved_at__gt=since)
    return dict(over.order_by().values_list("instance").annotate(latest=Max("resolved_at")))


def _is_catching_up(
    instance: Instance, reconnected: Mapping[int | None, datetime], watch: Watch
) -> bool:
    """What waited while it was disconnected is only now being delivered."""
    since = watch.now - timedelta(minutes=instance.stuck_after)
    return instance.pk in reconnected and reconnected[instance.pk] > since


def _suspects(watch: Watch) -> set[int]:
    """Instances of whose latest messages, of those old enough to tell, a good part is stuck."""
    longest = max((instance.stuck_after for instance in watch.instances), default=0)
    since = watch.now - timedelta(minutes=longest) - _RECENT
    recent = Message.objects.filter(inbound=False, first_heard_at__gte=since)
    sent = _by_instance(overdue(recent, watch.now))
    waiting = _by_instance(stuck(recent, watch.now))
    return {pk for pk, number in waiting.items() if number >= max(LEAST, PART * sent[pk])}


def _by_instance(messages: QuerySet[Message]) -> dict[int, int]:
    return dict(messages.order_by().values_list("instance").annotate(number=Count("pk")))


def _count(watch: Watch, instance: Instance, incident: Incident | None) -> int:
    # A threshold may be longer than a day: what is stuck is older still.
    threshold = timedelta(minutes=instance.stuck_after)
    since = watch.now - max(_LONGEST, threshold + _RECENT)
    if incident:
        since = max(since, incident.opened_at - threshold - _RECENT)
    messages = Message.objects.filter(instance=instance, first_heard_at__gte=since)
    return stuck(messages, watch.now)[: COUNTED + 1].count()
