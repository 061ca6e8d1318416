from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from messages.incidents.findings import Finding, Watch
from messages.models import IncidentKind, NumberSearches

# Whoever pastes numbers from a list of customers has some that no message went to.
_MANY: Final = 30
_LOOKS_BACK: Final = timedelta(hours=1)


def guessing(watch: Watch) -> Iterator[Finding]:
    """Somebody who may not see numbers tries many, and nearly all of them in vain."""
    recent = NumberSearches.objects.filter(in_vain__gte=_MANY, hour__gt=watch.now - 2 * _LOOKS_BACK)
    latest = {row.who: row for row in recent.order_by("hour")}
    for row in latest.values():
        values = {"count": row.in_vain, "refused": row.refused}
        yield Finding(IncidentKind.GUESSING, place=row.name, values=values)
