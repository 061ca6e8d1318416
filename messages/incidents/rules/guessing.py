from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from messages.incidents.findings import Finding, Snapshot
from messages.models import IncidentKind, NumberSearches

# People who paste numbers from a customer list also have some without messages.
_MIN_SEARCHES: Final = 30
_WINDOW: Final = timedelta(hours=1)


def guessing(snapshot: Snapshot) -> Iterator[Finding]:
    """A user without permission to see numbers tries many, nearly all without a result."""
    recent = NumberSearches.objects.filter(
        in_vain__gte=_MIN_SEARCHES, hour__gt=snapshot.now - 2 * _WINDOW
    )
    latest = {row.who: row for row in recent.order_by("hour")}
    for row in latest.values():
        values = {"count": row.in_vain, "refused": row.refused}
        yield Finding(IncidentKind.GUESSING, place=row.name, values=values)
