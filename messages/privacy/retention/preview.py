from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet

from messages.models import Kept, Retention

from .kinds import KINDS, bodies_after, orphan_labels
from .periods import cutoff

# Beyond it a number says no more, and counting on would take long.
MAX_COUNTED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Going:
    """What a retention of so many days would purge now."""

    number: int
    oldest: datetime | None

    @property
    def is_more(self) -> bool:
        return self.number >= MAX_COUNTED


def preview(kind: Kept, days: int) -> Going:
    before = cutoff(days)
    if kind is Kept.BODIES:
        rows = bodies_after(before, Retention.objects.bodies_reached())
        return _going(rows, KINDS[kind].time)
    going = _going(KINDS[kind].older(before), KINDS[kind].time)
    if kind is Kept.MESSAGES:
        labels = _going(orphan_labels(before), "updated_at")
        times = [one.oldest for one in (going, labels) if one.oldest]
        return Going(going.number + labels.number, min(times, default=None))
    return going


def _going(rows: QuerySet[Any], time: str) -> Going:
    oldest = rows.values_list(time, flat=True).first()
    return Going(rows.values("pk")[:MAX_COUNTED].count(), oldest)
