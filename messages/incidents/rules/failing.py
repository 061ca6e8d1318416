from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.db.models import Count, Q

from messages.domain.message_kinds import COUNTED
from messages.domain.statuses import Status
from messages.incidents.findings import Finding, Snapshot
from messages.models import IncidentKind, Message
from messages.models.functions import of_kinds

_RECENT: Final = timedelta(minutes=30)
MIN_FAILED: Final = 5
# An open incident stays open until the rate halves, so that it does not flap at the threshold.
_CLOSING_FACTOR: Final = 0.5


def failing(snapshot: Snapshot) -> Iterator[Finding]:
    sent_by_us = Message.objects.filter(of_kinds(COUNTED), inbound=False)
    recent = sent_by_us.filter(first_heard_at__gte=snapshot.now - _RECENT)
    numbers = {
        pk: (sent, failed)
        for pk, sent, failed in recent.order_by()
        .values_list("instance")
        .annotate(sent=Count("pk"), failed=Count("pk", filter=Q(rank=Status.FAILED.rank)))
    }
    for instance in snapshot.instances:
        sent, failed = numbers.get(instance.pk, (0, 0))
        part = instance.failing_percent / 100
        if snapshot.open_incident(IncidentKind.FAILING, instance):
            part *= _CLOSING_FACTOR
        if failed >= MIN_FAILED and failed >= part * sent:
            yield Finding(IncidentKind.FAILING, instance, values={"failed": failed, "sent": sent})
