"""The parts of the Health page, and what of them needs somebody.

A part and an open problem may be about the same thing. Then the problem counts, because somebody
may already work on it.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise

from messages.dashboard.incidents.banner import Attention
from messages.dashboard.incidents.incident_rows import IncidentRow
from messages.models import IncidentKind
from messages.monitoring.doctor import Level

# More are on the page Needs attention.
_MAX_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Part:
    """`anchor` is the id of its heading. `kinds` are the problems that are about the same thing."""

    name: str
    label: str | Promise
    anchor: str
    level: Level
    kinds: Collection[IncidentKind] = ()

    @property
    def template(self) -> str:
        return f"dashboard/health/_{self.name}.html"

    @property
    def is_fine(self) -> bool:
        return self.level is Level.OK


@dataclass(frozen=True, slots=True)
class Verdict:
    """What needs somebody: open problems that nobody works on, and parts without a problem."""

    problems: Sequence[IncidentRow]
    parts: Sequence[Part]
    acknowledged: Sequence[IncidentRow]

    @classmethod
    def of(cls, parts: Iterable[Part], attention: Attention) -> "Verdict":
        rows = [*attention.unattended, *attention.acknowledged]
        reported = {IncidentKind(row.incident.kind) for row in rows}
        wrong = [one for one in parts if not (one.is_fine or reported.intersection(one.kinds))]
        return cls(attention.unattended, wrong, attention.acknowledged)

    @property
    def number(self) -> int:
        return len(self.problems) + len(self.parts)

    @property
    def named(self) -> Sequence[IncidentRow]:
        return self.problems[:_MAX_NAMED]

    @property
    def more(self) -> int:
        return max(0, len(self.problems) - _MAX_NAMED)

    @property
    def is_severe(self) -> bool:
        """By the worst of them, as in the banner: a problem that nobody works on is red."""
        return bool(self.problems) or any(one.level is Level.PROBLEM for one in self.parts)
