"""Incidents as the pages show them."""

from dataclasses import dataclass

from django.db.models import F

from messages.access.masking import as_seen_by
from messages.access.scope import Viewer, limited_to
from messages.incidents.absence import Absence
from messages.incidents.words import advice, happening, part_of, title
from messages.models import Incident, IncidentKind
from messages.models.incident import IncidentQuerySet

from ..moments import Moment, duration, moment

MOST_RESOLVED = 100

_ICONS = {
    IncidentKind.DISCONNECTED: "plug",
    IncidentKind.SILENT: "clock",
    IncidentKind.STUCK: "clock",
    IncidentKind.FAILING: "failed",
    IncidentKind.EXPIRING: "clock",
}


@dataclass(frozen=True, slots=True)
class IncidentRow:
    incident: Incident

    @property
    def title(self) -> str:
        return title(self.incident)

    @property
    def part_of(self) -> str:
        return part_of(self.incident)

    @property
    def icon(self) -> str:
        return _ICONS.get(IncidentKind(self.incident.kind), "stuck")

    @property
    def happening(self) -> str:
        return happening(self.incident)

    @property
    def advice(self) -> str:
        return advice(self.incident)

    @property
    def opened(self) -> Moment:
        return Moment(self.incident.opened_at)

    @property
    def resolved(self) -> Moment | None:
        return moment(self.incident.resolved_at)

    @property
    def acknowledged(self) -> Moment | None:
        return moment(self.incident.acknowledged_at)

    @property
    def lasted(self) -> str:
        return duration(self.incident.lasted)


def incidents_for(user: Viewer) -> IncidentQuerySet:
    found = Incident.objects.select_related("instance", "acknowledged_by")
    return limited_to(user, found)


def open_rows(user: Viewer) -> list[IncidentRow]:
    """Those that nobody looks after first, the oldest of each first."""
    found = incidents_for(user).open()
    in_order = found.order_by(F("acknowledged_at").asc(nulls_first=True), "opened_at", "id")
    return [IncidentRow(incident) for incident in as_seen_by(user, in_order)]


def resolved_rows(user: Viewer) -> list[IncidentRow]:
    found = incidents_for(user).resolved().order_by("-resolved_at", "-id")
    return [IncidentRow(incident) for incident in as_seen_by(user, found[:MOST_RESOLVED])]


def absence_row(missing: Absence) -> IncidentRow:
    """What no worker can store: that there is none."""
    if missing.since is None:
        return IncidentRow(Incident(kind=IncidentKind.NO_WORKER))
    return IncidentRow(Incident(kind=IncidentKind.NO_WORKER, opened_at=missing.since))
