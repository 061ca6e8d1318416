"""Leases for jobs that only one worker runs at a time."""

from datetime import timedelta

from django.utils import timezone

from messages.models import Turn
from messages.models.due import is_due


def acquire_job_lease(job: str, every: float) -> bool:
    """Whether this worker runs the job now; then no other worker does for `every` seconds."""
    now = timezone.now()
    next_due = now + timedelta(seconds=every)
    due = is_due("due_at", now, timedelta(seconds=every))
    # Checked without a lock: on SQLite, a failed claim would block the storing of callbacks.
    if Turn.objects.filter(job=job).exclude(due).exists():
        return False
    if Turn.objects.filter(due, job=job).update(due_at=next_due):
        return True
    _, is_first = Turn.objects.get_or_create(job=job, defaults={"due_at": next_due})
    return is_first
