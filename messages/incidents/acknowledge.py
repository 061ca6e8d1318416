from django.http import HttpRequest
from django.utils import timezone

from messages.accounts.audit import audit
from messages.models import Action, Incident


def acknowledge(incident: Incident, request: HttpRequest, *, note: str = "") -> None:
    """Mark an incident as being handled. The first acknowledgement counts; the note can change."""
    details = {"kind": incident.kind, "note": bool(note)}
    if incident.acknowledged_at is None:
        incident.acknowledged_at = timezone.now()
        incident.acknowledged_by_id = request.user.pk
        details["acknowledged"] = True
    incident.note = note
    incident.save(update_fields=["acknowledged_at", "acknowledged_by", "note"])
    audit(request, Action.INCIDENT_CHANGED, about=incident.instance, details=details)
