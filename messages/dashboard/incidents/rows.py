"""Incidents as the pages show them."""

from dataclasses import dataclass

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


def open_rows(user: Viewer, found: IncidentQuerySet, missing: Absence | None) -> list[IncidentRow]:
    """The worst first. `missing` is what this process knows better than what is stored of it."""
    incidents = as_seen_by(user, found.worst_first())
    is_stored = any(one.kind == IncidentKind.NO_WORKER for one in incidents)
    if missing and not is_stored:
        return [absence_row(missing), *map(IncidentRow, incidents)]
    is_back = missing is None
    return [
        IncidentRow(one)
        for one in incidents
        if not (is_back and one.kind == IncidentKind.NO_WORKER)
    ]


def resolved_rows(user: Viewer) -> list[IncidentRow]:
    found = incidents_for(user).resolved().order_by("-resolved_at", "-id")
    return [IncidentRow(incident) for incident in as_seen_by(user, found[:MOST_RESOLVED])]


def absence_row(missing: Absence) -> IncidentRow:
    """What a page knows before it is stored, and tells those who may not see what is."""
    if missing.since is None:
        return IncidentRow(Incident(kind=IncidentKind.NO_WORKER))
    return IncidentRow(Incident(kind=IncidentKind.NO_WORKER, opened_at=missing.since))
