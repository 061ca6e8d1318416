"""E-mails that the worker will send, so that requests do not wait for the mail server."""

from datetime import timedelta
from typing import Final, Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from messages.models.due import LeaseQuerySet, Waits, is_due_after

from .fields import SecretField

# Longer than a usual outage of a mail server, but shorter than the lifetime of the links in the
# e-mails.
KEPT: Final = timedelta(days=1)


class QueuedMailQuerySet(LeaseQuerySet["QueuedMail"]):
    def due(self) -> Self:
        is_due = is_due_after("next_try_at", timezone.now(), QueuedMail.WAITS)
        return self.filter(is_due).order_by("next_try_at", "id")


class QueuedMail(models.Model):
    """An e-mail to send. The row is deleted when the mail server has accepted it.

    A worker that takes the row sets `next_try_at` to the end of its lease. Other workers skip it
    until then.
    """

    # The lease is longer than one attempt takes (EMAIL_TIMEOUT).
    WAITS: Final = Waits(timedelta(minutes=5), timedelta(seconds=30), timedelta(hours=1))

    # Encrypted JSON, because e-mails contain addresses and sign-in links.
    content = SecretField(_("content"))
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    next_try_at = models.DateTimeField(default=timezone.now, db_index=True)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)

    objects = QueuedMailQuerySet.as_manager()

    class Meta:
        verbose_name = _("queued e-mail")
        verbose_name_plural = _("queued e-mails")

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def is_expired(self) -> bool:
        return self.created_at + KEPT <= timezone.now()
