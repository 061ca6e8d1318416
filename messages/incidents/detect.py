"""One look at everything: what is found opens incidents, what is no longer found resolves them.

What turns out to follow from another incident ends as a part of it, which is not told as its end.

Any number of workers may look at the same time: the database holds that there is one open incident
of a kind and instance, and whoever changes its row tells of it in the same transaction.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from messages.models import Incident, IncidentKind, Instance, Transition
from messages.models.due import lies_ahead

from .findings import Finding, Rule, Subject, Watch
from .grouping import grouped
from .numbers import numbered
from .overdue import LastRun
from .presentation import about
from .rules import RULES
from .rules.workers import finding_of
from .worker_absence import Absence
from .zapi_queue import explain

logger = logging.getLogger(__name__)

# Told of an incident opened or resolved, within the transaction that does it.
Listener = Callable[[Incident, Transition], None]

# What is wrong on and off is one incident: it is over once it has been gone for so long.
CLEAR_FOR: Final = timedelta(minutes=5)


def detect(listener: Listener, *, rules: Mapping[IncidentKind, Rule] = RULES) -> int:
    """Give how many incidents were opened or resolved."""
    watch = _look(timezone.now())
    found_by_rules, failed = _ask(rules, watch)
    groups = grouped(found_by_rules, watch)
    findings = list(explain(numbered(groups.findings, watch.now), watch))
    opened = sum(_found(finding, watch, listener) for finding in findings)
    found = {finding.subject for finding in findings}
    # A rule that failed says nothing, not even that all is well.
    gone = [
        incident
        for subject, incident in watch.open.items()
        if subject not in found and subject[0] in rules and subject[0] not in failed
    ]
    return opened + sum(_gone(incident, groups.merged, watch.now, listener) for incident in gone)


def report_absence(missing: Absence, listener: Listener) -> bool:
    """Open the incident that no worker can open, because there is none; give whether it is new.

    A worker that is back resolves it as it does any other.
    """
    return _report(Finding(IncidentKind.NO_WORKER, since=missing.since), listener)


def report_overdue(run: LastRun, listener: Listener) -> bool:
    """The same of a job: it may be the one that looks for what is wrong."""
    return _report(finding_of(run), listener)


def _report(finding: Finding, listener: Listener) -> bool:
    now = timezone.now()
    if _open(finding, now, listener):
        return True
    still_open = Incident.objects.open().filter(kind=finding.kind, place=finding.place)
    still_open.update(last_seen_at=now, clear_since=None)
    return False


def _look(now: datetime) -> Watch:
    open_now = Incident.objects.open().select_related("instance")
    return Watch(
        now=now,
        instances=list(
            Instance.objects.active()
            .with_last_heard()
            .select_related("account")
            .prefetch_related("webhooks")
        ),
        open={(one.kind, one.instance_id, one.place): one for one in open_now},
    )


def _ask(
    rules: Mapping[IncidentKind, Rule], watch: Watch
) -> tuple[list[Finding], set[IncidentKind]]:
    findings: list[Finding] = []
    failed = set()
    for kind, rule in rules.items():
        try:
            findings += rule(watch)
        except Exception:
            logger.exception("Incident rule %s failed; the other rules still run.", kind.value)
            failed.add(kind)
    return findings, failed


def _found(finding: Finding, watch: Watch, listener: Listener) -> bool:
    incident = watch.open.get(finding.subject)
    if incident is None:
        return _open(finding, watch.now, listener)
    Incident.objects.open().filter(pk=incident.pk).update(
        values=dict(finding.values), last_seen_at=watch.now, clear_since=None
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
        logger.warning("Incident %s opened: %s", incident.pk, _named(incident))
        listener(incident, Transition.OPENED)
    return is_new


def _gone(
    incident: Incident,
    merged: Mapping[Subject, IncidentKind],
    now: datetime,
    listener: Listener,
) -> bool:
    if cause := merged.get((incident.kind, incident.instance_id, incident.place)):
        return _merge(incident, cause, now, listener)
    return _not_found(incident, now, listener)


@transaction.atomic
def _merge(incident: Incident, cause: IncidentKind, now: datetime, listener: Listener) -> bool:
    """It goes on under another name: nobody may be told that it is over."""
    values = {**incident.values, "part_of": cause.value}
    still_open = Incident.objects.open().filter(pk=incident.pk)
    is_ours = still_open.update(resolved_at=now, values=values) == 1
    if is_ours:
        incident.resolved_at, incident.values = now, values
        logger.warning("Incident %s merged into %s: %s", incident.pk, cause.value, _named(incident))
        listener(incident, Transition.MERGED)
    return is_ours


@transaction.atomic
def _not_found(incident: Incident, now: datetime, listener: Listener) -> bool:
    still_open = Incident.objects.open().filter(pk=incident.pk)
    if incident.clear_since is None or lies_ahead(incident.clear_since, now):
        still_open.filter(clear_since=incident.clear_since).update(clear_since=now)
        return False
    if now - incident.clear_since < CLEAR_FOR:
        return False
    # Resolved as of when it was gone. Whoever finds the row still open is the one who tells.
    is_ours = still_open.exclude(clear_since=None).update(resolved_at=incident.clear_since) == 1
    if is_ours:
        incident.resolved_at = incident.clear_since
        logger.warning("Incident %s resolved: %s", incident.pk, _named(incident))
        listener(incident, Transition.RESOLVED)
    return is_ours


def _named(incident: Incident) -> str:
    """For the log: what is wrong, and with which instance, machine or channel."""
    return " ".join(filter(None, [incident.kind, about(incident)]))
