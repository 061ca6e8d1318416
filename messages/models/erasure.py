"""People whose data was erased, without saying who they are."""

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from .fields import SecretField


class ErasureQuerySet(models.QuerySet["Erasure"]):
    def unfinished(self) -> Self:
        return self.filter(finished_at=None)


class Erasure(models.Model):
    """One person to erase. Any process can go on where another one stopped."""

    requested_at = models.DateTimeField(_("requested"), auto_now_add=True)
    # The person's addresses, until there is nothing left to look for; then ''.
    subject = SecretField(_("addresses"))
    # Keyed hashes of the same, by which a callback is known that was on its way meanwhile.
    people = models.JSONField(_("people, hashed"), default=list)
    # How far the evidence was looked through: the id of a callback, which is ordered in time.
    reached = models.UUIDField(null=True)
    # All else is done, and what is left could not be read or written.
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
    """The keyed hash of a message's id: a late callback must not bring the message back."""

    fingerprint = models.CharField(max_length=64, primary_key=True)
    erased_at = models.DateTimeField(_("erased"), auto_now_add=True, db_index=True)

    class Meta:
        verbose_name = _("marker of an erased message")
        verbose_name_plural = _("markers of erased messages")

    def __str__(self) -> str:
        return self.fingerprint
