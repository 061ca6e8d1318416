from collections.abc import Iterable, Iterator

from django.db.models import QuerySet

from messages.incidents.findings import Finding, Watch
from messages.incidents.overdue import LastRun, overdue_jobs
from messages.incidents.worker_absence import ABSENT_AFTER, FORGOTTEN_AFTER, absence
from messages.models import IncidentKind, WorkerBeat


def workers_gone(watch: Watch) -> Iterator[Finding]:
    """One of several stopped without a word, and no other took its place on that machine."""
    since = watch.now - ABSENT_AFTER
    served = set(_hosts(WorkerBeat.objects.running(since)))
    gone = WorkerBeat.objects.gone(since).filter(beat_at__gte=watch.now - FORGOTTEN_AFTER)
    last_beats = dict(gone.order_by("beat_at").values_list("host", "beat_at"))
    for host in sorted(set(last_beats) - served):
        yield Finding(IncidentKind.WORKER, place=host, since=last_beats[host])


def nobody_works(watch: Watch) -> Iterator[Finding]:
    """Opened by the web process alone: whoever looks here works, if only at this one job."""
    is_open = (IncidentKind.NO_WORKER, None, "") in watch.open
    if is_open and absence(watch.now):
        yield Finding(IncidentKind.NO_WORKER)


def jobs_overdue(watch: Watch) -> Iterator[Finding]:
    """Workers run, but one of their jobs does not. Of this very job the web process tells."""
    yield from (finding_of(run) for run in overdue_jobs(watch.now))


def finding_of(run: LastRun) -> Finding:
    values = {"every": run.every.total_seconds()}
    return Finding(IncidentKind.JOB, place=run.job, values=values, since=run.at)


def _hosts(beats: QuerySet[WorkerBeat]) -> Iterable[str]:
    return beats.values_list("host", flat=True)
