"""Export files that take too long for a request.

The worker writes them, and the user downloads them later.
"""

import uuid
from datetime import datetime, timedelta
from typing import Final, Self

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from messages.models.due import LeaseQuerySet, is_due

# The file contains the data even if it is purged meanwhile, so the file is deleted after a day.
KEPT: Final = timedelta(days=1)


def _expiry() -> datetime:
    return timezone.now() + KEPT


class ExportKind(models.TextChoices):
    CSV = "csv", _("Messages as CSV")
    WORKBOOK = "xlsx", _("Messages as Excel")
    AUDIT = "audit", _("Audit log as CSV")
    PERSON = "person", _("One person’s data")


class ExportState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    TOO_LONG = "too long", _("Too large")


class ExportJobQuerySet(LeaseQuerySet["ExportJob"]):
    def due(self) -> Self:
        """Order jobs by the time of the person's last file: many files of one person delay nobody.

        While one of a person's files is being written, their others wait.
        """
        now = timezone.now()
        same = ExportJob.objects.filter(by=models.OuterRef("by"))
        is_free = is_due("next_try_at", now, ExportJob.LEASE)
        being_written = same.filter(~is_free, state=ExportState.WAITING)
        begun = same.exclude(started_at=None).order_by("-started_at").values("started_at")[:1]
        waiting = self.kept().filter(is_free, state=ExportState.WAITING)
        waiting = waiting.filter(~models.Exists(being_written))
        waiting = waiting.annotate(last_began=models.Subquery(begun))
        return waiting.order_by(models.F("last_began").asc(nulls_first=True), "created_at")

    def kept(self) -> Self:
        return self.exclude(is_due("expires_at", timezone.now(), KEPT))

    def expired(self) -> Self:
        return self.filter(is_due("expires_at", timezone.now(), KEPT))


class ExportJob(models.Model):
    """A file that `by` requested, in that person's language and time zone.

    It is stored in the database, because the worker and the web server may be different machines.
    """

    # After this time, another worker may take the job. The lease is renewed with every chunk.
    LEASE: Final = timedelta(minutes=1)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="exports",
        verbose_name=_("who"),
    )
    kind = models.CharField(
        _("kind"), max_length=8, choices=ExportKind.choices, default=ExportKind.WORKBOOK
    )
    # The query string of the request. For a person's data: the person's number or LID.
    query = models.TextField(_("query"), blank=True)
    language = models.CharField(_("language"), max_length=20)
    zone = models.CharField(_("time zone"), max_length=64)
    # The requester's permissions when the file was written. If they have fewer now, the download is
    # refused.
    sight = models.JSONField(default=dict)
    state = models.CharField(
        _("state"), max_length=10, choices=ExportState.choices, default=ExportState.WAITING
    )
    total = models.PositiveIntegerField(_("rows"), default=0)
    written = models.PositiveIntegerField(_("rows written"), default=0)
    size = models.PositiveBigIntegerField(_("bytes"), default=0)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires"), default=_expiry, db_index=True)
    # When a worker last took the job.
    started_at = models.DateTimeField(_("started"), null=True)
    # A worker that takes the job sets this to the end of its lease. Other workers skip the job
    # until then.
    next_try_at = models.DateTimeField(default=timezone.now)

    objects = ExportJobQuerySet.as_manager()

    class Meta:
        verbose_name = _("prepared export")
        verbose_name_plural = _("prepared exports")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return str(self.pk)


class ExportPiece(models.Model):
    """A compressed chunk of a file. Chunks are small, so that storing or sending one is fast."""

    job = models.ForeignKey(
        ExportJob, on_delete=models.CASCADE, related_name="pieces", db_index=False
    )
    number = models.PositiveIntegerField(_("number"))
    body = models.BinaryField(_("body"))

    class Meta:
        verbose_name = _("piece of an export")
        verbose_name_plural = _("pieces of exports")
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["job", "number"], name="export_piece_once"),
        ]

    def __str__(self) -> str:
        return f"{self.job_id} {self.number}"
