from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.db.models import Count, Q

from messages.domain.failures import count_alike
from messages.domain.message_kinds import COUNTED
from messages.domain.statuses import Status
from messages.incidents.findings import Finding, Snapshot
from messages.models import Incident, IncidentKind, Message
from messages.models.functions import of_kinds
from messages.models.message import FAILED

from .restricted import SIGNS

_RECENT: Final = timedelta(minutes=30)
MIN_FAILED: Final = 5
# An open incident stays open until the rate halves, so that it does not flap at the threshold.
_CLOSING_FACTOR: Final = 0.5


def failing(snapshot: Snapshot) -> Iterator[Finding]:
    since = snapshot.now - _RECENT
    sent_by_us = Message.objects.filter(of_kinds(COUNTED), inbound=False)
    recent = sent_by_us.filter(first_heard_at__gte=since)
    has_failed = Q(rank=Status.FAILED.rank)
    numbers = {
        pk: counts
        for pk, *counts in recent.order_by()
        .values_list("instance")
        .annotate(
            sent=Count("pk"),
            failed=Count("pk", filter=has_failed),
            refused=Count("pk", filter=has_failed & Q(failure_code__in=SIGNS)),
        )
    }
    over = Incident.objects.filter(kind=IncidentKind.RESTRICTED, resolved_at__gte=since)
    restricted_lately = set(over.values_list("instance", flat=True))
    for instance in snapshot.instances:
        sent, failed, refused = numbers.get(instance.pk, (0, 0, 0))
        if instance.pk in restricted_lately:
            failed -= refused  # reported as a restriction
        part = instance.failing_percent / 100
        if snapshot.open_incident(IncidentKind.FAILING, instance):
            part *= _CLOSING_FACTOR
        if failed >= MIN_FAILED and failed >= part * sent:
            left_out = SIGNS if instance.pk in restricted_lately else ()
            reasons = recent.filter(FAILED, instance=instance).exclude(failure_code__in=left_out)
            by_code = reasons.values_list("failure_code").annotate(number=Count("pk"))
            counts = count_alike(dict(by_code.order_by("failure_code")))
            main = max(counts, key=lambda codes: counts[codes], default=("",))
            values = {"failed": failed, "sent": sent, "reason": main[0]}
            yield Finding(IncidentKind.FAILING, instance, values=values)
