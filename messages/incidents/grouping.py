"""Merges findings that follow from another finding, so that one cause is one incident."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from messages.models import Incident, IncidentKind

from .findings import Finding, Snapshot, Subject

# For each kind, the kinds that can cause it. The first match wins.
_EXPLAINS: Final = {
    IncidentKind.STUCK: (IncidentKind.DISCONNECTED, IncidentKind.RESTRICTED),
    IncidentKind.FAILING: (IncidentKind.RESTRICTED,),
    IncidentKind.UNCONFIRMED: (
        *(IncidentKind.DISCONNECTED, IncidentKind.WEBHOOK, IncidentKind.FILTERED),
    ),
    IncidentKind.SILENT: (IncidentKind.DISCONNECTED, IncidentKind.WEBHOOK, IncidentKind.FILTERED),
}
# The kind that replaces many findings of the same kind in different instances.
_OF_ALL_INSTANCES: Final = {
    IncidentKind.SILENT: IncidentKind.DEAF,
    IncidentKind.UNREACHABLE: IncidentKind.UNREACHABLE,
}


@dataclass(frozen=True, slots=True)
class GroupedFindings:
    """`merged` maps the subject of each merged finding to the kind of its cause."""

    findings: Sequence[Finding]
    merged: Mapping[Subject, IncidentKind]


def group_findings(findings: Iterable[Finding], snapshot: Snapshot) -> GroupedFindings:
    by_subject = {finding.subject: finding for finding in findings}
    merged = {}
    for finding in list(by_subject.values()):
        if cause := _cause(finding, by_subject, snapshot.open.get(finding.subject)):
            del by_subject[finding.subject]
            values = {**cause.values, f"{finding.kind.value}_count": finding.values.get("count", 0)}
            by_subject[cause.subject] = replace(cause, values=values)
            merged[finding.subject] = cause.kind
        elif finding.subject not in snapshot.open and _may_be_explained(finding, snapshot):
            del by_subject[finding.subject]
    return GroupedFindings(list(by_subject.values()), merged)


def _cause(
    finding: Finding, among: Mapping[Subject, Finding], incident: Incident | None
) -> Finding | None:
    for subject in _causes(finding):
        if subject in among and not _is_older(incident, among[subject]):
            return among[subject]
    return None


def _is_older(incident: Incident | None, cause: Finding) -> bool:
    """Whether messages were affected before the cause began.

    For a silence the order does not matter: it may begin before its cause is known.
    """
    return (
        incident is not None
        and incident.kind != IncidentKind.SILENT
        and cause.since is not None
        and incident.opened_at < cause.since
    )


def _may_be_explained(finding: Finding, snapshot: Snapshot) -> bool:
    """Whether a possible cause is about to be reported, or is open and may soon be resolved.

    If so, the finding is not reported yet, because its incident would be merged or resolved soon
    after.
    """
    causes = list(_causes(finding))
    if any(subject in snapshot.open for subject in causes):
        return True
    instance = finding.instance
    is_disconnected = instance is not None and instance.connected is False
    return is_disconnected and any(kind == IncidentKind.DISCONNECTED for kind, *_ in causes)


def _causes(finding: Finding) -> Iterable[Subject]:
    for kind in _EXPLAINS.get(finding.kind, ()):
        yield (kind, finding.subject[1], finding.place)
    if finding.instance and finding.kind in _OF_ALL_INSTANCES:
        yield (_OF_ALL_INSTANCES[finding.kind], None, "")
