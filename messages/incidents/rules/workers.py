from collections.abc import Iterable, Iterator

from django.db.models import QuerySet

from messages.incidents.findings import Finding, Snapshot
from messages.incidents.overdue import (
    ABSENT_AFTER,
    REMOVED_AFTER,
    LastRun,
    overdue_jobs,
    worker_absence,
)
from messages.models import IncidentKind, WorkerBeat


def missing_workers(snapshot: Snapshot) -> Iterator[Finding]:
    """One of several workers stopped unexpectedly and no other runs on that server."""
    since = snapshot.now - ABSENT_AFTER
    served = set(_hosts(WorkerBeat.objects.running(since)))
    gone = WorkerBeat.objects.gone(since).filter(beat_at__gte=snapshot.now - REMOVED_AFTER)
    last_beats = dict(gone.order_by("beat_at").values_list("host", "beat_at"))
    for host in sorted(set(last_beats) - served):
        yield Finding(IncidentKind.WORKER, place=host, since=last_beats[host])


def no_worker(snapshot: Snapshot) -> Iterator[Finding]:
    """Keeps the incident open. Only the web process opens it: this rule runs in a worker."""
    is_open = (IncidentKind.NO_WORKER, None, "") in snapshot.open
    if is_open and worker_absence(snapshot.now):
        yield Finding(IncidentKind.NO_WORKER)


def jobs_overdue(snapshot: Snapshot) -> Iterator[Finding]:
    """Workers run, but one of their jobs does not.

    If the job that detects incidents does not run, the web process reports it.
    """
    yield from (overdue_finding(run) for run in overdue_jobs(snapshot.now))


def overdue_finding(run: LastRun) -> Finding:
    values = {"every": run.every.total_seconds()}
    return Finding(IncidentKind.JOB, place=run.job, values=values, since=run.at)


def _hosts(beats: QuerySet[WorkerBeat]) -> Iterable[str]:
    return beats.values_list("host", flat=True)
