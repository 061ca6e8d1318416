"""Incidents as the pages show them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from django.db.models import Q
from django.urls import reverse

from messages.access.scope import Viewer
from messages.incidents.absence import Absence
from messages.incidents.glance import glance
from messages.incidents.links import place_of
from messages.incidents.numbers import with_numbers_of_now
from messages.incidents.visible import as_shown_to, incidents_for
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
_BADNESS: Final[dict[str, int]] = {kind: place for place, kind in enumerate(IncidentKind)}
# That somebody looks after a missing worker is known from its incident alone.
_IN_BANNER: Final = Q(acknowledged_at=None) | Q(kind=IncidentKind.NO_WORKER)
_KEPT: Final = "_statusboard_open_incidents"
# Any of them keeps messages from arriving, or their statuses from being heard; the likeliest first.
_WHY_STUCK: Final = (
    IncidentKind.DISCONNECTED,
    IncidentKind.EXPIRING,
    IncidentKind.WEBHOOK,
    IncidentKind.SILENT,
    IncidentKind.STUCK,
)


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """`link` is '' where whoever looks may not open what it leads to."""

    incident: Incident
    link: str = ""

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


def open_rows(missing: Absence | None, user: Viewer) -> list[IncidentRow]:
    """The worst first. `missing` is what this process knows better than what is stored of it."""
    found = _kept(user, incidents_for(user).open())
    shown = with_numbers_of_now(_worst_first(found, missing))
    return [IncidentRow(one, _link(one, user)) for one in shown]


def banner_rows(missing: Absence | None, user: Viewer) -> list[IncidentRow]:
    """Those that nobody has acknowledged, the worst first."""
    found: list[Incident] | None = getattr(user, _KEPT, None)
    if found is None:
        found = as_shown_to(user, incidents_for(user).open().filter(_IN_BANNER))
    return [IncidentRow(one) for one in _worst_first(found, missing) if not one.acknowledged_at]


def _kept(user: Viewer, found: IncidentQuerySet) -> list[Incident]:
    """What the view asks for, as the banner finds it, which is drawn last and among them.

    With the object `user`, which lives as long as its request.
    """
    incidents = as_shown_to(user, found)
    setattr(user, _KEPT, incidents)
    return incidents


def _worst_first(found: Iterable[Incident], missing: Absence | None) -> list[Incident]:
    """By kind, and of each the oldest first."""
    mildest = len(_BADNESS)
    incidents = sorted(
        found, key=lambda one: (_BADNESS.get(one.kind, mildest), one.opened_at, one.pk)
    )
    is_stored = any(one.kind == IncidentKind.NO_WORKER for one in incidents)
    if missing is None:
        incidents = [one for one in incidents if one.kind != IncidentKind.NO_WORKER]
    elif not is_stored:
        incidents.insert(0, _unstored(missing))
    return incidents


def why_stuck(instances: Collection[int], user: Viewer) -> dict[int, IncidentRow]:
    """What is wrong with each of these instances that may keep its messages: one incident each."""
    if not instances or not glance.look().open:
        return {}
    of_them = Q(instance__in=instances, kind__in=_WHY_STUCK)
    asked = _kept(user, incidents_for(user).open().filter(of_them | _IN_BANNER))
    found = [one for one in asked if one.instance_id in instances and one.kind in _WHY_STUCK]
    likeliest_last = sorted(found, key=lambda one: -_WHY_STUCK.index(IncidentKind(one.kind)))
    return {one.instance_id: IncidentRow(one) for one in likeliest_last if one.instance_id}


def resolved_rows(user: Viewer) -> list[IncidentRow]:
    found = incidents_for(user).resolved().order_by("-resolved_at", "-id")
    return [IncidentRow(incident) for incident in as_shown_to(user, found[:MOST_RESOLVED])]


def _unstored(missing: Absence) -> Incident:
    """What a page knows before it is stored, and tells those who may not see what is."""
    if missing.since is None:
        return Incident(kind=IncidentKind.NO_WORKER)
    return Incident(kind=IncidentKind.NO_WORKER, opened_at=missing.since)


def _link(incident: Incident, user: Viewer) -> str:
    place = place_of(incident)
    if user.has_perm(place.permission):
        return place.path
    if incident.instance and user.has_perm("whatsapp.view_instance"):
        return reverse("dashboard:instance", args=[incident.instance.pk])
    return ""
