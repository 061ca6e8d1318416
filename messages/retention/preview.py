from dataclasses import dataclass
from datetime import datetime
from typing import Final

from messages.models import Kept, Retention

from .kinds import KINDS, bodies_after
from .rules import cutoff

# Beyond it a number says no more, and counting on would take long.
MOST_COUNTED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Going:
    """What a retention of so many days would purge now."""

    number: int
    oldest: datetime | None

    @property
    def is_more(self) -> bool:
        return self.number >= MOST_COUNTED


def preview(kind: Kept, days: int) -> Going:
    rows = KINDS[kind].older(cutoff(days))
    if kind is Kept.BODIES:
        known = Retention.objects.filter(kind=kind).values_list("reached", flat=True).first()
        rows = bodies_after(cutoff(days), known)
    oldest = rows.values_list(KINDS[kind].time, flat=True).first()
    return Going(rows.values("pk")[:MOST_COUNTED].count(), oldest)
