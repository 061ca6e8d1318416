from django.db import models
from django.utils.translation import gettext_lazy as _

from .instance import Instance


class QueueReading(models.Model):
    """What Z-API's queue said about one message when it was last read: times and a position.

    It refers to its message by id, because Z-API reports nothing about a message that waits.
    """

    instance = models.ForeignKey(
        Instance,
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,
        verbose_name=_("instance"),
    )
    zapi_id = models.CharField(_("message id"), max_length=128)
    asked_at = models.DateTimeField(_("last asked"), db_index=True)
    # When Z-API last answered. The rest is from that answer.
    read_at = models.DateTimeField(_("last read"), null=True)
    # How many messages waited before it; null if it was not in the queue.
    ahead = models.PositiveIntegerField(_("messages ahead"), null=True)
    # Whether only a part of the queue was read.
    is_minimum = models.BooleanField(default=False)
    queued_at = models.DateTimeField(_("in the queue since"), null=True)

    class Meta:
        verbose_name = _("reading of Z-API’s queue")
        verbose_name_plural = _("readings of Z-API’s queue")
        constraints = [
            models.UniqueConstraint(fields=["instance", "zapi_id"], name="queue_reading_once"),
        ]

    def __str__(self) -> str:
        return self.zapi_id
