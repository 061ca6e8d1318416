"""E-mails that wait for the worker: no page may wait for a mail server."""

from datetime import timedelta
from typing import Final, Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from messages.models.due import LeaseQuerySet, Waits, is_due_after

from .fields import SecretField

# Longer than a mail server is usually away, shorter than its links are good for.
KEPT: Final = timedelta(days=1)


class QueuedMailQuerySet(LeaseQuerySet["QueuedMail"]):
    def due(self) -> Self:
        is_due = is_due_after("next_try_at", timezone.now(), QueuedMail.WAITS)
        return self.filter(is_due).order_by("next_try_at", "id")


class QueuedMail(models.Model):
    """One e-mail that is still to be sent; the row is deleted once the mail server has taken it.

    A worker that takes a row moves `next_try_at` ahead, which keeps the other workers away.
    """

    # The lease is longer than one attempt takes (EMAIL_TIMEOUT).
    WAITS: Final = Waits(timedelta(minutes=5), timedelta(seconds=30), timedelta(hours=1))

    # JSON, encrypted: e-mails hold addresses, and links that let whoever has them sign in.
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
