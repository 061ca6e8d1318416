"""How long data is kept, and which people were erased, without naming them."""

from typing import Self
from uuid import UUID

from django.db import models
from django.utils.translation import gettext_lazy as _

from .fields import SecretField


class DataKind(models.TextChoices):
    """Kinds of data with a retention period each, in the order in which they are purged."""

    MESSAGES = "messages", _("Messages and their timelines")
    CALLBACKS = "callbacks", _("Callbacks (record of arrival)")
    BODIES = "bodies", _("Raw callback bodies")
    INCIDENTS = "incidents", _("Resolved problems")
    AUDIT = "audit", _("Audit log")
    ERASURES = "erasures", _("Markers of erased messages")


class RetentionQuerySet(models.QuerySet["Retention"]):
    def bodies_reached(self) -> UUID | None:
        return self.filter(kind=DataKind.BODIES).values_list("reached", flat=True).first()

    def resume_bodies_from(self, callback_id: UUID) -> None:
        """Continue purging bodies from this callback, because it was stored late."""
        behind = self.filter(kind=DataKind.BODIES, reached__gte=callback_id)
        behind.update(reached=UUID(int=callback_id.int - 1))


class Retention(models.Model):
    """For how many days one kind of data is kept. Without a row it is kept forever."""

    kind = models.CharField(_("what"), max_length=16, choices=DataKind.choices, primary_key=True)
    days = models.PositiveIntegerField(_("days"))
    # The callback up to which bodies were purged; ids are ordered in time. Without this, each purge
    # would read all purged callbacks again.
    reached = models.UUIDField(null=True)
    # When a purge last found nothing left to purge.
    finished_at = models.DateTimeField(_("last completed"), null=True)

    objects = RetentionQuerySet.as_manager()

    class Meta:
        verbose_name = _("retention")
        verbose_name_plural = _("retention")

    def __str__(self) -> str:
        return f"{self.kind}: {self.days}"


class ErasureQuerySet(models.QuerySet["Erasure"]):
    def unfinished(self) -> Self:
        return self.filter(finished_at=None)


class Erasure(models.Model):
    """A person to erase. Any process can continue where another one stopped."""

    requested_at = models.DateTimeField(_("requested"), auto_now_add=True)
    # The person's addresses while the erasure runs, then ''.
    subject = SecretField(_("addresses"))
    # Keyed hashes of these, to recognise callbacks that arrive later.
    people = models.JSONField(_("people, hashed"), default=list)
    # The callback up to which the evidence was searched; ids are ordered in time.
    reached = models.UUIDField(null=True)
    # Only the spool is left, because it could not be read or written.
    only_spool_left = models.BooleanField(default=False)
    erased = models.JSONField(_("erased"), default=dict)
    finished_at = models.DateTimeField(_("finished"), null=True)

    objects = ErasureQuerySet.as_manager()

    class Meta:
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")
        ordering = ["-requested_at", "-id"]

    def __str__(self) -> str:
        return f"{self.requested_at:%Y-%m-%d %H:%M:%S}"


class ErasedMessage(models.Model):
    """The keyed hash of an erased message's id.

    With it, a late callback does not restore the message.
    """

    fingerprint = models.CharField(max_length=64, primary_key=True)
    erased_at = models.DateTimeField(_("erased"), auto_now_add=True, db_index=True)

    class Meta:
        verbose_name = _("marker of an erased message")
        verbose_name_plural = _("markers of erased messages")

    def __str__(self) -> str:
        return self.fingerprint
