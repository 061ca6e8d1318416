from django.db import models
from django.utils.translation import gettext_lazy as _

from messages.domain.statuses import Status

from .callback import Callback
from .message import Message


class StatusEvent(models.Model):
    """One step as reported, once; further copies are counted in `repeats`.

    What makes two reports the same event is in the constraint. All of it is NOT NULL ('' and -1
    where absent), because NULLs would let copies in.
    """

    message = models.ForeignKey(
        Message,
        on_delete=models.CASCADE,
        related_name="events",
        # The unique index starts with it.
        db_index=False,
        db_constraint=False,  # as in Message
        verbose_name=_("message"),
    )
    source = models.CharField(_("callback type"), max_length=128)
    status = models.CharField(
        _("status"), max_length=16, choices=[(status.value, status.label) for status in Status]
    )
    raw_status = models.CharField(_("status as sent"), max_length=128, blank=True)
    momment = models.CharField(_("momment as sent"), max_length=128, blank=True)
    occurred_at = models.DateTimeField(_("event time"))
    time_is_arrival = models.BooleanField(
        _("suspicious time"),
        default=False,
        help_text=_("Original time unusable; arrival time shown instead."),
    )
    received_at = models.DateTimeField(_("arrived"))
    phone = models.CharField(_("address"), max_length=128, blank=True)
    participant = models.CharField(_("participant"), max_length=128, blank=True)
    device = models.IntegerField(_("device"), default=-1)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    repeats = models.IntegerField(_("repeats"), default=0)
    # Evidence may be purged; the timeline stays.
    callback = models.ForeignKey(
        Callback,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
        verbose_name=_("first callback"),
    )

    class Meta:
        verbose_name = _("status event")
        verbose_name_plural = _("status events")
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "message",
                    "source",
                    "raw_status",
                    "momment",
                    "phone",
                    "participant",
                    "device",
                    "reason",
                ],
                name="status_event_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_status_display()} {self.occurred_at:%Y-%m-%d %H:%M:%S}"
