"""How long data is kept, what is kept longer, and which people were erased, without naming them."""

import json
from typing import Self
from uuid import UUID

from django.db import models
from django.utils.translation import gettext_lazy as _

from .fields import SecretField
from .message import Message


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

    def pass_over(self, callback_id: UUID) -> None:
        """Remember the first callback whose body a hold keeps."""
        bodies = self.filter(kind=DataKind.BODIES)
        later = models.Q(kept_from=None) | models.Q(kept_from__gt=callback_id)
        bodies.filter(later).update(kept_from=callback_id)

    def resume_kept_bodies(self) -> None:
        """Continue purging from the first body that a hold kept, because a hold ended."""
        for first in self.values_list("kept_from", flat=True):
            if first:
                self.resume_bodies_from(first)
        self.update(kept_from=None)


class Retention(models.Model):
    """For how many days one kind of data is kept. Without a row it is kept forever."""

    kind = models.CharField(_("what"), max_length=16, choices=DataKind.choices, primary_key=True)
    days = models.PositiveIntegerField(_("days"))
    # The callback up to which bodies were purged; ids are ordered in time. Without this, each purge
    # would read all purged callbacks again.
    reached = models.UUIDField(null=True)
    # The first callback whose body was passed over, because a hold keeps it.
    kept_from = models.UUIDField(null=True)
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


class HoldQuerySet(models.QuerySet["Hold"]):
    def active(self) -> Self:
        return self.filter(released_at=None)


class Hold(models.Model):
    """Keeps one message, or all of one recipient, from retention and erasure until released."""

    message = models.ForeignKey(
        Message,
        on_delete=models.DO_NOTHING,
        null=True,
        related_name="+",
        db_index=False,
        # After the release, the message may be purged.
        db_constraint=False,
        verbose_name=_("message"),
    )
    # The recipient's names while the hold is active, then ''.
    subject = SecretField(_("addresses"))
    reason = models.CharField(_("reason"), max_length=200)
    # The names of people stay when their accounts are deleted.
    placed_by = models.CharField(_("placed by"), max_length=150)
    placed_at = models.DateTimeField(_("since"), auto_now_add=True)
    released_by = models.CharField(_("released by"), max_length=150, blank=True)
    released_at = models.DateTimeField(_("released"), null=True)

    objects = HoldQuerySet.as_manager()

    class Meta:
        verbose_name = _("hold")
        verbose_name_plural = _("holds")
        ordering = ["-placed_at", "-id"]

    def __str__(self) -> str:
        return f"{self.placed_at:%Y-%m-%d %H:%M:%S}"

    @property
    def names(self) -> frozenset[str]:
        """The recipient as person_key() returns it, with linked numbers and LIDs; else empty.

        Raises SecretUnreadableError.
        """
        is_named = self.message_id is None and self.released_at is None
        return frozenset(json.loads(self.subject.reveal())) if is_named else frozenset()


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
