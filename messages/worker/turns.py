"""Jobs that are done once for all workers, whichever of them comes first."""

from datetime import timedelta
from typing import Final

from django.db.models import Q
from django.utils import timezone

from messages.models import Turn

# Clocks of servers differ by a little. By more than this, one of them was wrong.
_CLOCK_TOLERANCE: Final = timedelta(minutes=1)


def take_turn(job: str, every: float) -> bool:
    """Whether it is this worker's to do now; then it is nobody's for `every` seconds.

    A due time that lies too far ahead was written by a wrong clock, and counts as due: else no
    worker would do the job until then.
    """
    now = timezone.now()
    next_due = now + timedelta(seconds=every)
    is_taken = Q(job=job, due_at__gt=now, due_at__lte=next_due + _CLOCK_TOLERANCE)
    # Looked at without a lock: on SQLite, asking in vain must not stop the door from writing.
    if Turn.objects.filter(is_taken).exists():
        return False
    if Turn.objects.filter(~is_taken, job=job).update(due_at=next_due):
        return True
    _, is_first = Turn.objects.get_or_create(job=job, defaults={"due_at": next_due})
    return is_first
