"""Compares what is wrong now with the open incidents, and opens or resolves incidents.

An incident that turns out to follow from another one is merged into it. Nobody is notified that it
was resolved.

Several workers may do this at the same time. A database constraint allows one open incident per
kind and instance. The worker that changes the row also queues the notifications, in the same
transaction.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from messages.models import Incident, IncidentKind, Instance, Transition
from messages.models.due import lies_ahead

from .findings import Finding, Rule, Snapshot, Subject
from .grouping import group_findings
from .numbers import add_stuck_counts
from .overdue import LastRun, WorkerAbsence
from .presentation import subject_of
from .rules import RULES
from .rules.workers import overdue_finding
from .zapi_queue import add_queue_values

logger = logging.getLogger(__name__)

# Called when an incident is opened, merged or resolved, inside the same transaction.
Listener = Callable[[Incident, Transition], None]

# A problem that comes and goes is one incident: it is resolved after being absent for this long.
CLEAR_FOR: Final = timedelta(minutes=5)


def detect(listener: Listener, *, rules: Mapping[IncidentKind, Rule] = RULES) -> int:
    """Return how many incidents were opened, merged or resolved."""
    snapshot = _take_snapshot(timezone.now())
    found_by_rules, failed = _run_rules(rules, snapshot)
    grouped = group_findings(found_by_rules, snapshot)
    findings = list(add_queue_values(add_stuck_counts(grouped.findings, snapshot.now), snapshot))
    opened = sum(_update_or_open(finding, snapshot, listener) for finding in findings)
    found = {finding.subject for finding in findings}
    # A rule that failed cannot tell whether its incidents are over.
    missing = [
        incident
        for subject, incident in snapshot.open.items()
        if subject not in found and subject[0] in rules and subject[0] not in failed
    ]
    return opened + sum(
        _merge_or_resolve(incident, grouped.merged, snapshot.now, listener) for incident in missing
    )


def report_absence(absence: WorkerAbsence, listener: Listener) -> bool:
    """Open the "no worker" incident; return whether it is new.

    The web process calls this, because no worker can. A worker that is back resolves the incident.
    """
    return _report(Finding(IncidentKind.NO_WORKER, since=absence.since), listener)


def report_overdue(run: LastRun, listener: Listener) -> bool:
    """Open the "job overdue" incident. The overdue job may be the one that detects incidents."""
    return _report(overdue_finding(run), listener)


def _report(finding: Finding, listener: Listener) -> bool:
    now = timezone.now()
    if _open(finding, now, listener):
        return True
    still_open = Incident.objects.open().filter(kind=finding.kind, place=finding.place)
    still_open.update(last_seen_at=now, clear_since=None)
    return False


def _take_snapshot(now: datetime) -> Snapshot:
    open_now = Incident.objects.open().select_related("instance")
    return Snapshot(
        now=now,
        instances=list(
            Instance.objects.active()
            .with_last_heard()
            .select_related("account")
            .prefetch_related("webhooks")
        ),
        open={(one.kind, one.instance_id, one.place): one for one in open_now},
    )


def _run_rules(
    rules: Mapping[IncidentKind, Rule], snapshot: Snapshot
) -> tuple[list[Finding], set[IncidentKind]]:
    findings: list[Finding] = []
    failed = set()
    for kind, rule in rules.items():
        try:
            findings += rule(snapshot)
        except Exception:
            logger.exception("Incident rule %s failed; the other rules still run.", kind.value)
            failed.add(kind)
    return findings, failed


def _update_or_open(finding: Finding, snapshot: Snapshot, listener: Listener) -> bool:
    incident = snapshot.open.get(finding.subject)
    if incident is None:
        return _open(finding, snapshot.now, listener)
    # A callback that arrived late may show that it began earlier.
    opened_at = min(incident.opened_at, finding.since or incident.opened_at)
    Incident.objects.open().filter(pk=incident.pk).update(
        values=dict(finding.values),
        opened_at=opened_at,
        last_seen_at=snapshot.now,
        clear_since=None,
    )
    return False


@transaction.atomic
def _open(finding: Finding, now: datetime, listener: Listener) -> bool:
    incident, is_new = Incident.objects.open().get_or_create(
        kind=finding.kind,
        instance=finding.instance,
        place=finding.place,
        defaults={
            "values": dict(finding.values),
            # Z-API's clock may be ahead of ours.
            "opened_at": min(finding.since or now, now),
            "last_seen_at": now,
        },
    )
    if is_new:
        logger.warning("Incident %s opened: %s", incident.pk, _log_name(incident))
        listener(incident, Transition.OPENED)
    return is_new


def _merge_or_resolve(
    incident: Incident,
    merged: Mapping[Subject, IncidentKind],
    now: datetime,
    listener: Listener,
) -> bool:
    if cause := merged.get((incident.kind, incident.instance_id, incident.place)):
        return _merge(incident, cause, now, listener)
    return _resolve_when_clear(incident, now, listener)


@transaction.atomic
def _merge(incident: Incident, cause: IncidentKind, now: datetime, listener: Listener) -> bool:
    """The problem continues as part of another incident, so it is not reported as resolved."""
    values = {**incident.values, "part_of": cause.value}
    still_open = Incident.objects.open().filter(pk=incident.pk)
    is_ours = still_open.update(resolved_at=now, values=values) == 1
    if is_ours:
        incident.resolved_at, incident.values = now, values
        logger.warning(
            "Incident %s merged into %s: %s", incident.pk, cause.value, _log_name(incident)
        )
        listener(incident, Transition.MERGED)
    return is_ours


@transaction.atomic
def _resolve_when_clear(incident: Incident, now: datetime, listener: Listener) -> bool:
    still_open = Incident.objects.open().filter(pk=incident.pk)
    if incident.clear_since is None or lies_ahead(incident.clear_since, now):
        still_open.filter(clear_since=incident.clear_since).update(clear_since=now)
        return False
    if now - incident.clear_since < CLEAR_FOR:
        return False
    # The problem ended when it was first found absent, not now. Only the worker that updates the
    # row notifies.
    is_ours = still_open.exclude(clear_since=None).update(resolved_at=incident.clear_since) == 1
    if is_ours:
        incident.resolved_at = incident.clear_since
        logger.warning("Incident %s resolved: %s", incident.pk, _log_name(incident))
        listener(incident, Transition.RESOLVED)
    return is_ours


def _log_name(incident: Incident) -> str:
    """For the log: the kind, and the instance, server or channel it is about."""
    return " ".join(filter(None, [incident.kind, subject_of(incident)]))
