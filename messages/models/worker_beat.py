import uuid
from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from messages.models.due import has_come, is_ahead, is_due


class WorkerBeatQuerySet(models.QuerySet["WorkerBeat"]):
    def running(self, since: datetime) -> Self:
        """Workers with a recent heartbeat.

        A heartbeat in the future comes from a wrong clock and is ignored.
        """
        beating = self.filter(stopped_at=None, beat_at__gte=since)
        return beating.exclude(is_ahead("beat_at", timezone.now()))

    def gone(self, since: datetime) -> Self:
        """Workers whose heartbeat stopped without a normal shutdown."""
        is_old = Q(beat_at__lt=since) | is_ahead("beat_at", timezone.now())
        return self.filter(is_old, stopped_at=None)

    def doing_everything(self) -> Self:
        """Workers that run all jobs, not those that only run one, such as draining a spool."""
        return self.filter(only="")


class WorkerBeat(models.Model):
    """A worker process: its last heartbeat, and the last runs of its jobs."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    host = models.CharField(_("machine"), max_length=255)
    pid = models.PositiveIntegerField(_("process"))
    only = models.CharField(_("only runs"), max_length=64, blank=True)
    started_at = models.DateTimeField(_("started"))
    beat_at = models.DateTimeField(_("last heartbeat"))
    stopped_at = models.DateTimeField(_("stopped"), null=True)
    # The jobs by name. Each has its interval, the start, end and duration of its last run, and its
    # last failure.
    jobs = models.JSONField(_("jobs"), default=dict)
    # The state of the machine's spool. Only processes on that machine can read it.
    spool_waiting = models.PositiveIntegerField(_("waiting in the offline buffer"), default=0)
    spool_oldest = models.DateTimeField(null=True)
    spool_refused = models.PositiveIntegerField(_("rejected in the offline buffer"), default=0)

    objects = WorkerBeatQuerySet.as_manager()

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")

    def __str__(self) -> str:
        return f"{self.host} {self.pid}"


class JobLeaseQuerySet(models.QuerySet["JobLease"]):
    def acquire(self, job: str, every: timedelta) -> bool:
        """Whether this worker runs the job now; then no other worker does for `every`."""
        now = timezone.now()
        lease, is_first = self.get_or_create(job=job, defaults={"due_at": now + every})
        if is_first or not has_come(lease.due_at, now, every):
            return is_first
        due = self.filter(is_due("due_at", now, every), job=job)
        return bool(due.update(due_at=now + every))


class JobLease(models.Model):
    """A job that one worker at a time runs, and when it is due again."""

    job = models.CharField(max_length=64, primary_key=True)
    due_at = models.DateTimeField()

    objects = JobLeaseQuerySet.as_manager()

    def __str__(self) -> str:
        return self.job
