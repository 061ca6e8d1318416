"""Finds the incident that explains why a message is stuck."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from messages.models import Incident, IncidentKind, Message, WebhookKind

# Incidents that stop messages, or stop their statuses from arriving. The most likely cause first.
CAUSES: Final = (
    IncidentKind.DISCONNECTED,
    IncidentKind.EXPIRING,
    IncidentKind.RESTRICTED,
    IncidentKind.WEBHOOK,
    IncidentKind.SILENT,
    IncidentKind.STUCK,
)
# An incident that began more than this long after a message was sent is not its cause. Z-API can
# only be asked every few minutes whether a number is connected, so start times are not exact.
_LATEST: Final = timedelta(minutes=30)
# An incident of stuck messages also covers the messages of the hour before it.
_BEFORE_NOTICED: Final = timedelta(hours=1)


def cause_of(message: Message, incidents: Iterable[Incident]) -> Incident | None:
    """Return the most likely cause among these open incidents, or None."""
    found = [
        one
        for one in incidents
        if one.instance_id == message.instance_id and one.kind in CAUSES and explains(one, message)
    ]
    return min(found, key=lambda one: CAUSES.index(IncidentKind(one.kind)), default=None)


def explains(incident: Incident, message: Message) -> bool:
    """Whether the incident began early enough and blocks messages or their statuses."""
    allowed = timedelta(minutes=message.instance.stuck_after)
    latest = message.started_at + min(allowed, _LATEST)
    match incident.kind:
        case IncidentKind.STUCK:
            return message.started_at >= incident.opened_at - allowed - _BEFORE_NOTICED
        case IncidentKind.EXPIRING:
            ended = subscription_ended_at(incident)
            return ended is not None and ended <= latest
        case IncidentKind.WEBHOOK:
            is_of_statuses = WebhookKind.MESSAGE_STATUS in incident.values.get("hooks", ())
            return is_of_statuses and incident.opened_at <= latest
        case IncidentKind.RESTRICTED:
            return incident.opened_at <= message.started_at
        case _:
            return incident.opened_at <= latest


def subscription_ended_at(incident: Incident) -> datetime | None:
    """Return when the subscription ended, or None. The incident opens days before, as a warning."""
    due = incident.values.get("due")
    return datetime.fromisoformat(due) if due and incident.values.get("over") else None
