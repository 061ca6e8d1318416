from collections.abc import Iterator
from datetime import datetime
from typing import Any

from messages.incidents.findings import Finding, Watch
from messages.incidents.payment import WARNED_BEFORE, unpaid_status
from messages.models import IncidentKind


def expiring(watch: Watch) -> Iterator[Finding]:
    """Paid for until soon, or not paid, whatever Z-API says of how long that is borne."""
    for instance in watch.instances:
        values = _ending(instance.due_at, watch.now)
        if status := unpaid_status(instance):
            values["status"] = status
        if values:
            yield Finding(IncidentKind.EXPIRING, instance, values=values)


def _ending(due: datetime | None, now: datetime) -> dict[str, Any]:
    if due is None or due > now + WARNED_BEFORE:
        return {}
    values = {"due": due.isoformat(), "days": max(0, (due - now).days)}
    return {**values, "over": True} if due <= now else values
