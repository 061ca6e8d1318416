"""One cause, one incident: what follows from another incident is told in its words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from messages.models import Incident, IncidentKind

from .findings import Finding, Subject, Watch

# What each explains, the first that fits; and by which of its values it tells of it.
_EXPLAINS: Final = {
    IncidentKind.STUCK: (IncidentKind.DISCONNECTED,),
    IncidentKind.SILENT: (IncidentKind.DISCONNECTED, IncidentKind.WEBHOOK, IncidentKind.FILTERED),
}
# What the same of many instances at once is told as, of the whole board.
_OF_THE_BOARD: Final = {
    IncidentKind.SILENT: IncidentKind.DEAF,
    IncidentKind.UNREACHABLE: IncidentKind.UNREACHABLE,
}


@dataclass(frozen=True, slots=True)
class Grouped:
    """`merged` names the cause of each subject that is told of in another's words."""

    findings: Sequence[Finding]
    merged: Mapping[Subject, IncidentKind]


def grouped(findings: Iterable[Finding], watch: Watch) -> Grouped:
    by_subject = {finding.subject: finding for finding in findings}
    merged = {}
    for finding in list(by_subject.values()):
        if cause := _cause(finding, by_subject, watch.open.get(finding.subject)):
            del by_subject[finding.subject]
            told = {**cause.values, f"{finding.kind.value}_count": finding.values.get("count", 0)}
            by_subject[cause.subject] = replace(cause, values=told)
            merged[finding.subject] = cause.kind
        elif finding.subject not in watch.open and _may_be_explained(finding, watch):
            del by_subject[finding.subject]
    return Grouped(list(by_subject.values()), merged)


def _cause(
    finding: Finding, among: Mapping[Subject, Finding], incident: Incident | None
) -> Finding | None:
    for subject in _causes(finding):
        if subject in among and not _is_older(incident, among[subject]):
            return among[subject]
    return None


def _is_older(incident: Incident | None, cause: Finding) -> bool:
    """Whether messages were stuck before that began. A silence may hide for long what causes it."""
    return (
        incident is not None
        and incident.kind == IncidentKind.STUCK
        and cause.since is not None
        and incident.opened_at < cause.since
    )


def _may_be_explained(finding: Finding, watch: Watch) -> bool:
    """By what is not told yet, or not over yet: it would be told, and swallowed or gone at once."""
    causes = list(_causes(finding))
    if any(subject in watch.open for subject in causes):
        return True
    instance = finding.instance
    is_disconnected = instance is not None and instance.connected is False
    return is_disconnected and any(kind == IncidentKind.DISCONNECTED for kind, *_ in causes)


def _causes(finding: Finding) -> Iterable[Subject]:
    for kind in _EXPLAINS.get(finding.kind, ()):
        yield (kind, finding.subject[1], finding.place)
    if finding.instance and finding.kind in _OF_THE_BOARD:
        yield (_OF_THE_BOARD[finding.kind], None, "")
