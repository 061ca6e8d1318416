"""What explains that a message is stuck: an incident that had begun before the message was late."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from messages.models import Incident, IncidentKind, Message, WebhookKind

# What keeps messages from arriving, or their statuses from being heard; the likeliest first.
CAUSES: Final = (
    IncidentKind.DISCONNECTED,
    IncidentKind.EXPIRING,
    IncidentKind.WEBHOOK,
    IncidentKind.SILENT,
    IncidentKind.STUCK,
)
# What began later after the sending explains nothing, however long an instance allows. Z-API may
# be asked only so often whether a number is connected: the time of a cause is no more exact.
_LATEST: Final = timedelta(minutes=30)
# An incident of stuck messages is about those of the hour before, too.
_BEFORE_NOTICED: Final = timedelta(hours=1)


def cause_of(message: Message, incidents: Iterable[Incident]) -> Incident | None:
    """The likeliest of these open incidents; None where none explains it."""
    found = [
        one
        for one in incidents
        if one.instance_id == message.instance_id and one.kind in CAUSES and _explains(one, message)
    ]
    return min(found, key=lambda one: CAUSES.index(IncidentKind(one.kind)), default=None)


def _explains(incident: Incident, message: Message) -> bool:
    allowed = timedelta(minutes=message.instance.stuck_after)
    latest = message.started_at + min(allowed, _LATEST)
    match incident.kind:
        case IncidentKind.STUCK:
            return message.started_at >= incident.opened_at - allowed - _BEFORE_NOTICED
        case IncidentKind.EXPIRING:
            return bool(incident.values.get("over")) and _ended(incident) <= latest
        case IncidentKind.WEBHOOK:
            is_of_statuses = WebhookKind.MESSAGE_STATUS in incident.values.get("hooks", ())
            return is_of_statuses and incident.opened_at <= latest
        case _:
            return incident.opened_at <= latest


def _ended(incident: Incident) -> datetime:
    """When it stopped being paid for: people were warned before."""
    return datetime.fromisoformat(incident.values["due"])
