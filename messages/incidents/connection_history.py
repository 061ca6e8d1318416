"""When an instance was connected, silent or disconnected, derived from its incidents."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final

from django.db.models import Q

from messages.models import Incident, IncidentKind, Instance, WebhookKind


class Connection(StrEnum):
    """The more serious state is later."""

    CONNECTED = "connected"
    # Before the instance was added, or while nothing could be observed.
    UNKNOWN = "unknown"
    SILENT = "silent"
    DISCONNECTED = "disconnected"


_SEVERITY: Final = {state: place for place, state in enumerate(Connection)}
_STATES: Final[Mapping[str, Connection]] = {
    IncidentKind.DISCONNECTED: Connection.DISCONNECTED,
    IncidentKind.SILENT: Connection.SILENT,
    # Another system gets the statuses, or a filter blocks them.
    IncidentKind.WEBHOOK: Connection.SILENT,
    IncidentKind.FILTERED: Connection.SILENT,
    # For all instances: this server received no callbacks, or no worker looked for problems.
    IncidentKind.DEAF: Connection.UNKNOWN,
    IncidentKind.NO_WORKER: Connection.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Spell:
    """A time in which an instance had this state."""

    state: Connection
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Slot:
    """A part of a strip, with how long each state lasted. Those that did not occur are missing."""

    since: datetime
    until: datetime
    lasted: Mapping[Connection, timedelta]

    def share(self, state: Connection) -> float:
        return self.lasted.get(state, timedelta()) / (self.until - self.since)


def spells_of(
    instances: Sequence[Instance], since: datetime, now: datetime
) -> dict[int, list[Spell]]:
    """Return what was not connected in the period, by instance. One query."""
    incidents = Incident.objects.filter(
        Q(resolved_at=None) | Q(resolved_at__gt=since),
        Q(instance__in=instances) | Q(instance=None),
        kind__in=_STATES,
    ).values_list("instance", "kind", "values", "opened_at", "resolved_at")
    found: dict[int, list[Spell]] = defaultdict(list)
    everywhere: list[Spell] = []
    for pk, kind, values, opened_at, resolved_at in incidents:
        if "hooks" in values and WebhookKind.MESSAGE_STATUS not in values["hooks"]:
            continue  # only other callbacks are missing
        spells = everywhere if pk is None else found[pk]
        spells.append(Spell(_STATES[kind], opened_at, resolved_at or now))
    for one in instances:
        unknown = Spell(Connection.UNKNOWN, since, _known_since(one, now))
        found[one.pk] += [*everywhere, unknown]
    return found


def _known_since(instance: Instance, now: datetime) -> datetime:
    is_known = instance.connected is not None or instance.last_heard_at is not None
    return instance.created_at if is_known else now


def strip(spells: Iterable[Spell], borders: Sequence[datetime]) -> list[Slot]:
    """Divide a time at these borders.

    Where spells overlap, the most serious state counts. The rest of the time it was connected.
    """
    among = [one for one in spells if one.since < borders[-1] and one.until > borders[0]]
    return [Slot(first, last, _lasted(among, first, last)) for first, last in pairwise(borders)]


def _lasted(
    spells: Iterable[Spell], first: datetime, last: datetime
) -> Mapping[Connection, timedelta]:
    inside = [one for one in spells if one.since < last and one.until > first]
    if not inside:
        return {Connection.CONNECTED: last - first}
    if len(inside) == 1 and inside[0].since <= first and inside[0].until >= last:
        return {inside[0].state: last - first}
    borders = {first, last}
    for one in inside:
        borders |= {max(one.since, first), min(one.until, last)}
    lasted: dict[Connection, timedelta] = {}
    for start, end in pairwise(sorted(borders)):
        states = [one.state for one in inside if one.since <= start and one.until >= end]
        state = max(states, key=_SEVERITY.__getitem__, default=Connection.CONNECTED)
        lasted[state] = lasted.get(state, timedelta()) + (end - start)
    return lasted
