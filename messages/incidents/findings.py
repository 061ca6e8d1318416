"""The input and output of incident rules."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from messages.models import Incident, IncidentKind, Instance


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong now.

    `place` names the server, channel, job or user if it is not about an instance. `values` are the
    names and numbers for its description. `since` is when it began; None if unknown, then the time
    of detection counts.
    """

    kind: IncidentKind
    instance: Instance | None = None
    place: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    since: datetime | None = None

    @property
    def subject(self) -> "Subject":
        return (self.kind, self.instance.pk if self.instance else None, self.place)


# Identifies an incident: there is at most one open incident per subject.
Subject = tuple[str, int | None, str]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state at one point in time, shared by all rules to save queries."""

    now: datetime
    instances: Sequence[Instance]
    open: Mapping[Subject, Incident]

    def open_incident(self, kind: IncidentKind, instance: Instance) -> Incident | None:
        return self.open.get((kind, instance.pk, ""))


Rule = Callable[[Snapshot], Iterable[Finding]]


# Fewer instances can have the same problem by chance.
_MIN_INSTANCES: Final = 3


def affects_most(number: int, among: Sequence[object]) -> bool:
    """Whether so many instances have the problem that it is reported once, for all of them."""
    return number >= _MIN_INSTANCES and 2 * number > len(among)
