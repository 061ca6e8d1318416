from uuid import UUID

from django.db import models
from django.utils.translation import gettext_lazy as _


class Kept(models.TextChoices):
    """What is kept for a time of its own. The order is the one in which it is purged."""

    MESSAGES = "messages", _("Messages and their timelines")
    CALLBACKS = "callbacks", _("Callbacks (record of arrival)")
    BODIES = "bodies", _("Raw callback bodies")
    INCIDENTS = "incidents", _("Resolved problems")
    AUDIT = "audit", _("Audit log")
    ERASURES = "erasures", _("Markers of erased messages")


class RetentionQuerySet(models.QuerySet["Retention"]):
    def bodies_reached(self) -> UUID | None:
        return self.filter(kind=Kept.BODIES).values_list("reached", flat=True).first()

    def go_back_to(self, callback_id: UUID) -> None:
        """A callback was stored late: its body lies behind what was emptied, and is to go too."""
        behind = self.filter(kind=Kept.BODIES, reached__gte=callback_id)
        behind.update(reached=UUID(int=callback_id.int - 1))


class Retention(models.Model):
    """For how many days one kind of data is kept. Without a row of its own it is kept for good."""

    kind = models.CharField(_("what"), max_length=16, choices=Kept.choices, primary_key=True)
    days = models.PositiveIntegerField(_("days"))
    # How far bodies were emptied: the id of a callback, which is ordered in time. A search for what
    # is left would otherwise read everything emptied before.
    reached = models.UUIDField(null=True)
    # When the last turn found nothing left to purge.
    finished_at = models.DateTimeField(_("last completed"), null=True)

    objects = RetentionQuerySet.as_manager()

    class Meta:
        verbose_name = _("retention")
        verbose_name_plural = _("retention")

    def __str__(self) -> str:
        return f"{self.kind}: {self.days}"
