from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet

from messages.models import DataKind, Retention

from .kinds import KINDS, bodies_after, orphan_labels
from .periods import cutoff

# A larger number is not useful and takes long to count.
MAX_COUNTED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Deletable:
    """What a retention of this many days would delete now."""

    number: int
    oldest: datetime | None

    @property
    def is_capped(self) -> bool:
        return self.number >= MAX_COUNTED


def preview(kind: DataKind, days: int) -> Deletable:
    before = cutoff(days)
    if kind is DataKind.BODIES:
        rows = bodies_after(before, Retention.objects.bodies_reached())
        return _count(rows, KINDS[kind].time)
    deletable = _count(KINDS[kind].older(before), KINDS[kind].time)
    if kind is DataKind.MESSAGES:
        labels = _count(orphan_labels(before), "updated_at")
        times = [one.oldest for one in (deletable, labels) if one.oldest]
        return Deletable(deletable.number + labels.number, min(times, default=None))
    return deletable


def _count(rows: QuerySet[Any], time: str) -> Deletable:
    oldest = rows.values_list(time, flat=True).first()
    return Deletable(rows.values("pk")[:MAX_COUNTED].count(), oldest)
