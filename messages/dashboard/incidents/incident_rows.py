"""Incidents as shown on pages."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from messages.accounts.scope import Viewer
from messages.dashboard.shared.badges import Badge
from messages.dashboard.shared.moments import Moment, duration, moment
from messages.incidents.incident_counts import incident_counts
from messages.incidents.incident_links import IncidentPage, instance_page, page_of
from messages.incidents.numbers import with_current_stuck_counts
from messages.incidents.overdue import WorkerAbsence
from messages.incidents.presentation import (
    advice,
    description,
    explanation,
    name,
    part_of,
    title,
    who_acts,
)
from messages.incidents.stuck_causes import cause_of
from messages.incidents.visibility import for_display, visible_incidents
from messages.models import Incident, IncidentKind, Message

MAX_RESOLVED = 50

_ICONS = {
    IncidentKind.DISCONNECTED: "plug",
    IncidentKind.RESTRICTED: "failed",
    IncidentKind.SILENT: "clock",
    IncidentKind.STUCK: "clock",
    IncidentKind.FAILING: "failed",
    IncidentKind.EXPIRING: "clock",
}
_SEVERITY: Final[dict[str, int]] = {kind: place for place, kind in enumerate(IncidentKind)}
# Less severe problems are amber in a badge.
_LEAST_RED: Final = IncidentKind.NUMBER
_CACHE_ATTRIBUTE: Final = "_statusboard_open_incidents"


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """`page` is None if the user may not open it."""

    incident: Incident
    page: IncidentPage | None = None

    @property
    def title(self) -> str:
        return title(self.incident)

    @property
    def name(self) -> str:
        """The title without the name of the instance."""
        return name(self.incident)

    @property
    def kind(self) -> IncidentKind:
        return IncidentKind(self.incident.kind)

    @property
    def badge(self) -> Badge:
        tone = "danger" if severity(self.kind) <= severity(_LEAST_RED) else "warning"
        return Badge(tone, self.icon, self.name)

    @property
    def anchor(self) -> str:
        """Its place on the page Needs attention."""
        return f"problem-{self.incident.pk or 'not-stored'}"

    @property
    def part_of(self) -> str:
        return part_of(self.incident)

    @property
    def icon(self) -> str:
        return _ICONS.get(self.kind, "stuck")

    @property
    def description(self) -> str:
        return description(self.incident)

    @property
    def explanation(self) -> str:
        return explanation(self.incident)

    @property
    def advice(self) -> str:
        return advice(self.incident)

    @property
    def who_acts(self) -> str:
        return who_acts(self.incident)

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
    def handled_by(self) -> str:
        """Who acknowledged the incident; '' if nobody did."""
        if not self.acknowledged:
            return ""
        return str(self.incident.acknowledged_by or _("A deleted user"))

    @property
    def lasted(self) -> str:
        return duration(self.incident.lasted)


def open_rows(absence: WorkerAbsence | None, user: Viewer) -> list[IncidentRow]:
    """The most severe first. `absence` is more current than the stored "no worker" incident."""
    shown = with_current_stuck_counts(_worst_first(_open_incidents(user), absence))
    return [IncidentRow(one, _page(one, user)) for one in shown]


def banner_rows(absence: WorkerAbsence | None, user: Viewer) -> list[IncidentRow]:
    return [IncidentRow(one) for one in _worst_first(_open_incidents(user), absence)]


def _open_incidents(user: Viewer) -> list[Incident]:
    """Queried once per page: the view and the banner share the result.

    It is stored on the `user` object, which lives as long as the request.
    """
    cached: list[Incident] | None = getattr(user, _CACHE_ATTRIBUTE, None)
    if cached is None:
        cached = for_display(user, visible_incidents(user).open())
        setattr(user, _CACHE_ATTRIBUTE, cached)
    return cached


def _worst_first(found: Iterable[Incident], absence: WorkerAbsence | None) -> list[Incident]:
    """By kind, then the oldest first."""
    incidents = sorted(found, key=lambda one: (severity(one.kind), one.opened_at, one.pk))
    is_stored = any(one.kind == IncidentKind.NO_WORKER for one in incidents)
    if absence is None:
        incidents = [one for one in incidents if one.kind != IncidentKind.NO_WORKER]
    elif not is_stored:
        incidents.insert(0, _unstored(absence))
    return incidents


def why_stuck(messages: Collection[Message], user: Viewer) -> dict[int, IncidentRow]:
    """Map the primary key of each stuck message to the incident that explains it.

    Messages without such an incident are left out.
    """
    if not messages or not incident_counts.current().open:
        return {}
    incidents = _open_incidents(user)
    causes = ((one.pk, cause_of(one, incidents)) for one in messages)
    return {pk: IncidentRow(cause) for pk, cause in causes if cause}


def open_by_instance(user: Viewer) -> dict[int, list[IncidentRow]]:
    """The open incidents of each instance, the most severe first."""
    if not incident_counts.current().open:
        return {}
    of_instances = [one for one in _open_incidents(user) if one.instance_id]
    found: dict[int, list[IncidentRow]] = {}
    for one in with_current_stuck_counts(_worst_first(of_instances, None)):
        found.setdefault(one.instance_id or 0, []).append(IncidentRow(one))
    return found


def severity(kind: str) -> int:
    """The place of a kind: the most severe is the first."""
    return _SEVERITY.get(kind, len(_SEVERITY))


def resolved_rows(user: Viewer) -> list[IncidentRow]:
    found = visible_incidents(user).resolved().order_by("-resolved_at", "-id")
    return [IncidentRow(incident) for incident in for_display(user, found[:MAX_RESOLVED])]


def _unstored(absence: WorkerAbsence) -> Incident:
    """Return the "no worker" incident for display.

    Used if it is not stored yet, or if this user may not see the stored one.
    """
    if absence.since is None:
        return Incident(kind=IncidentKind.NO_WORKER)
    return Incident(kind=IncidentKind.NO_WORKER, opened_at=absence.since)


def _page(incident: Incident, user: Viewer) -> IncidentPage | None:
    pages = [page_of(incident)]
    if incident.instance:
        pages.append(instance_page(incident.instance))
    return next((page for page in pages if user.has_perm(page.permission)), None)
