"""Whether anybody works. The worker cannot tell that it is gone, so the web process looks."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from messages.models import WorkerBeat

# A worker beats every few seconds; one that is restarted is back by then.
ABSENT_AFTER: Final = timedelta(seconds=60)
# Machines that were taken away for good stop being missed.
FORGOTTEN_AFTER: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Absence:
    """Since when no worker that does everything has given a sign of life; None if none ever did."""

    since: datetime | None


def absence(now: datetime) -> Absence | None:
    beats = WorkerBeat.objects.doing_everything()
    if beats.running(now - ABSENT_AFTER).exists():
        return None
    return Absence(beats.order_by("-beat_at").values_list("beat_at", flat=True).first())
