"""The marked hours, counted again from their messages.

An hour is counted first and written afterwards, together with the deletion of the marks that were
read before the count. Where one of these is gone another worker has counted since: then nothing is
written. So the count that stands is never older than the newest mark deleted, without any lock.
"""

import operator
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any, Final

from django.db import transaction
from django.db.models import Count, Func, IntegerField, Q
from django.db.models.functions import Coalesce, TruncHour
from django.utils import timezone

from messages.models import HourlySummary, Message, TouchedHour
from messages.models.hourly_summary import LATENCIES, LATENCY_EDGES, latency_column
from messages.statuses import Status

HOUR: Final = timedelta(hours=1)
# In seconds, of every few: while it rests, marks of the same hours pile up and cost one count.
BUDGET: Final = 1.0
# Hours of one instance that are counted by one query.
MOST_HOURS: Final = 24


class _Epoch(Func):
    """Whole seconds since 1970: latencies are cut as pages show them."""

    output_field = IntegerField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        context["template"] = "floor(date_part('epoch', %(expressions)s))"
        return self.as_sql(compiler, connection, **context)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        context["template"] = "CAST(strftime('%%%%s', %(expressions)s) AS INTEGER)"
        return self.as_sql(compiler, connection, **context)


def recompute() -> int:
    """Count marked hours, the longest marked first, for as long as the budget lasts."""
    done, until = 0, time.monotonic() + BUDGET
    while time.monotonic() < until and (counted := _count_oldest()):
        done += counted
    return done


def count_again(marks: Iterable[TouchedHour]) -> bool:
    """Count the hours of these marks, all of one instance, and remove the marks.

    False where another worker was faster: its count is at least as new.
    """
    marks = list(marks)
    instance_id, hours = marks[0].instance_id, sorted({mark.hour for mark in marks})
    summaries = _summaries(instance_id, hours)
    with transaction.atomic():
        deleted, _ = TouchedHour.objects.filter(pk__in=[mark.pk for mark in marks]).delete()
        if deleted < len(marks):
            transaction.set_rollback(True)
            return False
        HourlySummary.objects.filter(instance=instance_id, hour__in=hours).delete()
        HourlySummary.objects.bulk_create(summaries)
    return True


def _count_oldest() -> int:
    """Count the hour marked longest ago, with what else is marked of its instance near it."""
    oldest = TouchedHour.objects.order_by("id").first()
    if oldest is None:
        return 0
    near = TouchedHour.objects.filter(
        instance=oldest.instance_id,
        hour__range=(oldest.hour, oldest.hour + (MOST_HOURS - 1) * HOUR),
    )
    marks = list(near)
    # Without any, another worker has just taken them.
    return len({mark.hour for mark in marks}) if marks and count_again(marks) else 1


def _summaries(instance_id: int, hours: Iterable[datetime]) -> list[HourlySummary]:
    now = timezone.now()
    spans = [Q(started_at__gte=hour, started_at__lt=hour + HOUR) for hour in hours]
    outbound = Message.objects.filter(reduce(operator.or_, spans), instance=instance_id)
    counted = (
        outbound.filter(inbound=False)
        .annotate(
            hour=TruncHour("started_at", tzinfo=UTC),
            delivered_latency=_Epoch("delivered_at") - _Epoch(Coalesce("sent_at", "accepted_at")),
            read_latency=_Epoch("read_at") - _Epoch("delivered_at"),
        )
        .values("hour", "is_group")
        .annotate(**_counts())
        .order_by("hour")
    )
    return [HourlySummary(instance_id=instance_id, computed_at=now, **row) for row in counted]


def _counts() -> dict[str, Count]:
    failed = Q(rank=Status.FAILED.rank)
    # A failure implies nothing: of a failed message only what was reported was reached.
    counted = {
        "messages": Q(),
        "accepted": Q(rank__gte=Status.ACCEPTED.rank) & ~failed
        | failed & (Q(accepted_at__isnull=False) | Q(sent_at__isnull=False)),
        "sent": Q(rank__gte=Status.SENT.rank) & ~failed | failed & Q(sent_at__isnull=False),
        "delivered": Q(rank__gte=Status.RECEIVED.rank),
        "read": Q(rank__gte=Status.READ.rank),
        "played": Q(rank__gte=Status.PLAYED.rank),
        "failed": failed,
        "waiting_to_send": Q(rank=Status.ACCEPTED.rank),
        "waiting_to_deliver": Q(rank=Status.SENT.rank),
    }
    for latency in LATENCIES:
        # A later step with an earlier time tells no latency, only of clocks that differ.
        known = Q(**{f"{latency}_latency__gte": 0})
        counted[latency_column(latency)] = known
        for edge in LATENCY_EDGES:
            within = Q(**{f"{latency}_latency__lte": edge})
            counted[latency_column(latency, edge)] = known & within
    return {name: Count("pk", filter=condition) for name, condition in counted.items()}
