"""One cause, one incident: what follows from another incident is told in its words."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from messages.models import IncidentKind

from .finding import Finding

# What each explains, the first that fits; and by which of its values it tells of it.
_EXPLAINS: Final = {
    IncidentKind.STUCK: (IncidentKind.DISCONNECTED,),
    IncidentKind.SILENT: (IncidentKind.DISCONNECTED, IncidentKind.WEBHOOK),
}


def grouped(findings: Iterable[Finding]) -> Sequence[Finding]:
    by_subject = {finding.subject: finding for finding in findings}
    for finding in list(by_subject.values()):
        if cause := _cause(finding, by_subject):
            del by_subject[finding.subject]
            told = {**cause.values, f"{finding.kind.value}_count": finding.values.get("count", 0)}
            by_subject[cause.subject] = replace(cause, values=told)
    return list(by_subject.values())


def _cause(finding: Finding, among: dict[tuple[str, int | None, str], Finding]) -> Finding | None:
    for kind in _EXPLAINS.get(finding.kind, ()):
        if cause := among.get((kind, finding.subject[1], finding.place)):
            return cause
    return None
