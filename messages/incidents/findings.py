"""What the rules see and what they say."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from messages.models import Incident, IncidentKind, Instance


@dataclass(frozen=True, slots=True)
class Finding:
    """Something is wrong now. `values` are the names and numbers for the words.

    `since` is when it began; None where that is not known, and it counts from when it was noticed.
    """

    kind: IncidentKind
    instance: Instance | None = None
    place: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    since: datetime | None = None

    @property
    def subject(self) -> "Subject":
        return (self.kind, self.instance.pk if self.instance else None, self.place)


# What there is at most one open incident of.
Subject = tuple[str, int | None, str]


@dataclass(frozen=True, slots=True)
class Watch:
    """One look at everything, at one time: the rules share it and its queries."""

    now: datetime
    instances: Sequence[Instance]
    open: Mapping[Subject, Incident]

    def opened(self, kind: IncidentKind, instance: Instance) -> Incident | None:
        return self.open.get((kind, instance.pk, ""))


Rule = Callable[[Watch], Iterable[Finding]]


# Fewer may be silent or away at once by chance.
_FEW: Final = 3


def is_most(number: int, among: Sequence[object]) -> bool:
    """Whether so many share one cause, which is told once and not for each of them."""
    return number >= _FEW and 2 * number > len(among)
