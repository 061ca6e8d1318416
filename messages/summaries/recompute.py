"""Recounts the marked hours from their messages.

An hour is counted first. Then one transaction writes the count and deletes the marks that were read
before it. If a mark no longer exists, another worker has counted meanwhile, and nothing is written.
So a stored count is never older than the newest deleted mark. This needs no lock.
"""

import operator
import time
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import reduce
from itertools import islice
from typing import Any, Final

from django.db import transaction
from django.db.models import Count, Q
from django.db.models.functions import TruncHour
from django.db.models.lookups import In
from django.utils import timezone

from messages.domain.message_kinds import COUNTED
from messages.domain.statuses import Status
from messages.models import HourlySummary, Message, TouchedHour
from messages.models.functions import Unindexed, of_kinds, reached
from messages.models.latencies import LATENCIES, is_known
from messages.models.summary import LATENCY_EDGES, latency_column

from .days import sum_days
from .failures import sum_failures

HOUR: Final = timedelta(hours=1)
# Seconds per run. Marks of the same hour that arrive between two runs need only one count.
BUDGET: Final = 1.0
# Per query.
MAX_HOURS: Final = 100
MAX_MARKS: Final = 2000


def recompute() -> int:
    """Count marked hours, oldest mark first, until the budget is used."""
    done, until = 0, time.monotonic() + BUDGET
    while time.monotonic() < until and (counted := _count_oldest()):
        done += counted
    return done


def recount(marks: Collection[TouchedHour]) -> bool:
    """Count the hours of these marks and delete the marks.

    False if another worker was faster; its count is at least as new.
    """
    hours = sorted({(mark.instance_id, mark.hour) for mark in marks})
    summaries = _summaries(hours)
    with transaction.atomic():
        deleted, _ = TouchedHour.objects.filter(pk__in=[mark.pk for mark in marks]).delete()
        if deleted < len(marks):
            transaction.set_rollback(True)
            return False
        counted_before = [Q(instance=instance, hour=hour) for instance, hour in hours]
        HourlySummary.objects.filter(reduce(operator.or_, counted_before)).delete()
        HourlySummary.objects.bulk_create(summaries)
        sum_days(hours)
        sum_failures(hours)
    return True


def _count_oldest() -> int:
    """Count the hours with the oldest marks in one query; returns the number of marks."""
    oldest = list(TouchedHour.objects.order_by("id")[:MAX_MARKS])
    hours = dict.fromkeys((mark.instance_id, mark.hour) for mark in oldest)
    taken = set(islice(hours, MAX_HOURS))
    marks = [mark for mark in oldest if (mark.instance_id, mark.hour) in taken]
    if marks:
        recount(marks)
    return len(marks)


def _summaries(hours: Collection[tuple[int, datetime]]) -> list[HourlySummary]:
    now, asked = timezone.now(), set(hours)
    return [
        HourlySummary(computed_at=now, **row)
        for run in _runs(hour for _instance, hour in hours)
        for row in _count_run(run, {instance for instance, hour in hours if hour in run})
        if (row["instance_id"], row["hour"]) in asked
    ]


def _runs(hours: Iterable[datetime]) -> list[list[datetime]]:
    """Group consecutive hours: each run is one range of the index of sending times."""
    runs: list[list[datetime]] = []
    for hour in sorted(set(hours)):
        if runs and hour - runs[-1][-1] == HOUR:
            runs[-1].append(hour)
        else:
            runs.append([hour])
    return runs


def _count_run(run: Sequence[datetime], instances: Collection[int]) -> Iterable[Any]:
    """One row per hour, instance and kind, with the columns of HourlySummary."""
    in_time = Message.objects.filter(started_at__gte=run[0], started_at__lt=run[-1] + HOUR)
    return (
        in_time.filter(In(Unindexed("instance"), instances), of_kinds(COUNTED), inbound=False)
        .annotate(
            hour=TruncHour("started_at", tzinfo=UTC),
            **{f"{name}_latency": seconds for name, seconds in LATENCIES.items()},
        )
        .values("instance_id", "hour", "is_group")
        .annotate(**_counts())
        .order_by("instance_id", "hour")
    )


def _counts() -> dict[str, Count]:
    counted = {
        "messages": Q(),
        "dispatched": reached(Status.DISPATCHED),
        "sent": reached(Status.SENT),
        "delivered": reached(Status.RECEIVED),
        "read": reached(Status.READ),
        "played": reached(Status.PLAYED),
        "failed": reached(Status.FAILED),
        "waiting_to_send": Q(rank=Status.DISPATCHED.rank),
        "waiting_to_deliver": Q(rank=Status.SENT.rank),
    }
    for latency in LATENCIES:
        known = is_known(latency)
        counted[latency_column(latency)] = known
        for edge in LATENCY_EDGES:
            within = Q(**{f"{latency}_latency__lte": edge})
            counted[latency_column(latency, edge)] = known & within
    return {name: Count("pk", filter=condition) for name, condition in counted.items()}
