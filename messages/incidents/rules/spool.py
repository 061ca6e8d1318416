from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from messages.incidents.findings import Finding, Watch
from messages.incidents.worker_absence import ABSENT_AFTER
from messages.models import IncidentKind, WorkerBeat

# The worker empties it within seconds of the database's return.
_GRACE: Final = timedelta(minutes=2)


def spool(watch: Watch) -> Iterator[Finding]:
    """What each machine's worker says of its disk; nobody else can look there."""
    beats = {
        beat.host: beat
        for beat in WorkerBeat.objects.running(watch.now - ABSENT_AFTER).order_by("beat_at")
    }
    for host, beat in beats.items():
        is_late = beat.spool_oldest is not None and beat.spool_oldest <= watch.now - _GRACE
        if is_late or beat.spool_refused:
            values = {"waiting": beat.spool_waiting, "refused": beat.spool_refused}
            since = beat.spool_oldest
            yield Finding(IncidentKind.SPOOL, place=host, values=values, since=since)
