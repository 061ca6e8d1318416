"""Jobs that are done once for all workers, whichever of them comes first."""

from datetime import timedelta

from django.utils import timezone

from messages.models import Turn
from messages.models.due import is_due


def take_turn(job: str, every: float) -> bool:
    """Whether it is this worker's to do now; then it is nobody's for `every` seconds."""
    now = timezone.now()
    next_due = now + timedelta(seconds=every)
    due = is_due("due_at", now, timedelta(seconds=every))
    # Looked at without a lock: on SQLite, asking in vain must not stop the door from writing.
    if Turn.objects.filter(job=job).exclude(due).exists():
        return False
    if Turn.objects.filter(due, job=job).update(due_at=next_due):
        return True
    _, is_first = Turn.objects.get_or_create(job=job, defaults={"due_at": next_due})
    return is_first
