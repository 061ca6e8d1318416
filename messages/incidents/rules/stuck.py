from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.db.models import Count, QuerySet

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
    suspects = _suspects(watch)
    for instance in watch.instances:
        incident = watch.opened(IncidentKind.STUCK, instance)
        is_suspect = incident or instance.pk in suspects
        if is_suspect and (count := _count(watch, instance, incident)) >= LEAST:
            yield Finding(IncidentKind.STUCK, instance, values={"count": count})


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
    since = watch.now - _LONGEST
    if incident:
        since = max(since, incident.opened_at - timedelta(minutes=instance.stuck_after) - _RECENT)
    messages = Message.objects.filter(instance=instance, first_heard_at__gte=since)
    return stuck(messages, watch.now)[: COUNTED + 1].count()
