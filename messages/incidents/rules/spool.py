from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from messages.incidents.findings import Finding, Snapshot
from messages.incidents.overdue import ABSENT_AFTER
from messages.models import IncidentKind, WorkerBeat

# The worker empties the buffer within seconds after the database is back.
_GRACE: Final = timedelta(minutes=2)


def spool(snapshot: Snapshot) -> Iterator[Finding]:
    """The offline buffer of each server, reported by its worker: no other process can read it."""
    beats = {
        beat.host: beat
        for beat in WorkerBeat.objects.running(snapshot.now - ABSENT_AFTER).order_by("beat_at")
    }
    for host, beat in beats.items():
        is_late = beat.spool_oldest is not None and beat.spool_oldest <= snapshot.now - _GRACE
        if is_late or beat.spool_refused:
            values = {"waiting": beat.spool_waiting, "refused": beat.spool_refused}
            since = beat.spool_oldest
            yield Finding(IncidentKind.SPOOL, place=host, values=values, since=since)
