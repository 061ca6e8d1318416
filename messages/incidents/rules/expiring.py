from collections.abc import Iterator
from datetime import datetime
from typing import Any

from messages.incidents.findings import Finding, Snapshot
from messages.incidents.payment import WARNED_BEFORE, unpaid_status
from messages.models import IncidentKind


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
