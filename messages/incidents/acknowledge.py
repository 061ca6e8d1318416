from django.http import HttpRequest
from django.utils import timezone

from messages.accounts.audit import audit
from messages.models import Action, Incident


def acknowledge(incident: Incident, request: HttpRequest, *, note: str | None = None) -> None:
    """Mark an incident as being handled. The first acknowledgement counts; the note can change."""
    note = incident.note if note is None else note
    details = {"kind": incident.kind, "note": bool(note)}
    if incident.acknowledged_at is None:
        incident.acknowledged_at = timezone.now()
        incident.acknowledged_by_id = request.user.pk
        details["acknowledged"] = True
    incident.note = note
    incident.save(update_fields=["acknowledged_at", "acknowledged_by", "note"])
    audit(request, Action.INCIDENT_CHANGED, about=incident.instance, details=details)


def release(incident: Incident, request: HttpRequest) -> None:
    """Undo `acknowledge`. The note stays."""
    if incident.acknowledged_at is None:
        return
    incident.acknowledged_at = incident.acknowledged_by = None
    incident.save(update_fields=["acknowledged_at", "acknowledged_by"])
    details = {"kind": incident.kind, "acknowledged": False}
    audit(request, Action.INCIDENT_CHANGED, about=incident.instance, details=details)
