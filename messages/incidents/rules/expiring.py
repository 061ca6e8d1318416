from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from messages.incidents.findings import Finding, Snapshot
from messages.models import IncidentKind, Instance

# How long before its end a warning is raised.
WARNED_BEFORE: Final = timedelta(days=7)
# Only ACTIVE is documented; PAID, TRIAL and an empty value have been seen. Unknown values raise no
# alert, because the due date still does.
_UNPAID: Final = {
    *("BLOCKED", "CANCELED", "CANCELLED", "DEFAULTED", "EXPIRED", "INACTIVE", "OVERDUE"),
    *("PAST_DUE", "SUSPENDED", "UNPAID"),
}


def expiring(snapshot: Snapshot) -> Iterator[Finding]:
    """The subscription ends soon, or Z-API reports that it is unpaid."""
    for instance in snapshot.instances:
        values = _ending(instance.due_at, snapshot.now)
        if status := unpaid_status(instance):
            values["status"] = status
        if values:
            yield Finding(IncidentKind.EXPIRING, instance, values=values)


def _ending(due: datetime | None, now: datetime) -> dict[str, Any]:
    if due is None or due > now + WARNED_BEFORE:
        return {}
    values = {"due": due.isoformat(), "days": max(0, (due - now).days)}
    return {**values, "over": True} if due <= now else values


def unpaid_status(instance: Instance) -> str:
    """Return Z-API's value if it is known to mean unpaid, such as OVERDUE; else ''."""
    status = instance.payment_status.strip()
    return status if status.upper() in _UNPAID else ""
