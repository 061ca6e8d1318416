from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from messages.incidents.findings import Finding, Snapshot
from messages.models import IncidentKind, NumberSearches

# Honest users also search for some numbers without messages, for example from a customer list.
_MIN_SEARCHES: Final = 30
_WINDOW: Final = timedelta(hours=1)


def guessing(snapshot: Snapshot) -> Iterator[Finding]:
    """Somebody who may not see numbers makes many searches for numbers without a result."""
    recent = NumberSearches.objects.filter(
        in_vain__gte=_MIN_SEARCHES, hour__gt=snapshot.now - 2 * _WINDOW
    )
    latest = {row.who: row for row in recent.order_by("hour")}
    for row in latest.values():
        values = {"count": row.in_vain, "refused": row.refused}
        yield Finding(IncidentKind.GUESSING, place=row.name, values=values)
