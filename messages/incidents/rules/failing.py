from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.db.models import Count, Q

from messages.domain.statuses import Status
from messages.incidents.findings import Finding, Watch
from messages.models import IncidentKind, Message

_RECENT: Final = timedelta(minutes=30)
LEAST: Final = 5
# What is open stays open until it is this much better: a share at the edge is no news each minute.
_BETTER: Final = 0.5


def failing(watch: Watch) -> Iterator[Finding]:
    recent = Message.objects.filter(inbound=False, first_heard_at__gte=watch.now - _RECENT)
    numbers = {
        pk: (sent, failed)
        for pk, sent, failed in recent.order_by()
        .values_list("instance")
        .annotate(sent=Count("pk"), failed=Count("pk", filter=Q(rank=Status.FAILED.rank)))
    }
    for instance in watch.instances:
        sent, failed = numbers.get(instance.pk, (0, 0))
        part = instance.failing_percent / 100
        if watch.opened(IncidentKind.FAILING, instance):
            part *= _BETTER
        if failed >= LEAST and failed >= part * sent:
            yield Finding(IncidentKind.FAILING, instance, values={"failed": failed, "sent": sent})
