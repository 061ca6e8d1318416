"""Detects that no worker runs. The web process checks this, because no worker can."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from messages.models import WorkerBeat

# Workers send a heartbeat every few seconds; a restart takes less than this.
ABSENT_AFTER: Final = timedelta(seconds=60)
# After this time a server is considered removed.
REMOVED_AFTER: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class WorkerAbsence:
    """When a full worker last sent a heartbeat; None if there never was one."""

    since: datetime | None


def worker_absence(now: datetime) -> WorkerAbsence | None:
    beats = WorkerBeat.objects.doing_everything()
    if beats.running(now - ABSENT_AFTER).exists():
        return None
    return WorkerAbsence(beats.order_by("-beat_at").values_list("beat_at", flat=True).first())
