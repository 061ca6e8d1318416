"""The outbox: callbacks to forward to the system that used the webhook before."""

from datetime import datetime, timedelta
from typing import Final, Self

from django.db import models
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from messages.models.due import LeaseQuerySet, Waits, is_due_after

from .callback import Callback
from .webhook import Webhook


class ForwardState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    GIVEN_UP = "given up", _("Given up")


class Setback(models.Model):
    """The last failure: a Problem and the HTTP status, or '' and null after a success."""

    problem = models.CharField(_("problem"), max_length=16, blank=True)
    status = models.PositiveSmallIntegerField(_("HTTP status"), null=True)

    class Meta:
        abstract = True


class ForwardQuerySet(models.QuerySet["Forward"]):
    def waiting(self) -> Self:
        return self.filter(state=ForwardState.WAITING)

    def given_up(self) -> Self:
        return self.filter(state=ForwardState.GIVEN_UP)

    def in_order(self) -> Self:
        """In order of arrival: the ids of callbacks are ordered by time."""
        return self.order_by("callback_id", "id")

    def give_up(self, problem: str, status: int | None) -> int:
        return self.update(state=ForwardState.GIVEN_UP, problem=problem, status=status)

    def put_back(self) -> int:
        """Queue the given-up callbacks again. They are retried for as long as new ones."""
        return self.given_up().update(
            state=ForwardState.WAITING, waiting_since=timezone.now(), problem="", status=None
        )


class Forward(Setback):
    """A callback that must be forwarded. The row is deleted when the receiver accepted it.

    It contains a copy of the body, because the stored callback may have none or may be purged.
    """

    webhook = models.ForeignKey(
        Webhook,
        on_delete=models.CASCADE,
        related_name="forwards",
        db_index=False,
        verbose_name=_("webhook"),
    )
    callback = models.ForeignKey(
        Callback,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
        verbose_name=_("callback"),
    )
    body = models.BinaryField(_("body"))
    state = models.CharField(
        _("state"), max_length=8, choices=ForwardState.choices, default=ForwardState.WAITING
    )
    waiting_since = models.DateTimeField(_("waiting since"))

    objects = ForwardQuerySet.as_manager()

    class Meta:
        verbose_name = _("callback to forward")
        verbose_name_plural = _("callbacks to forward")
        indexes = [models.Index(fields=["webhook", "state", "callback"], name="forward_line")]

    def __str__(self) -> str:
        return str(self.callback_id)


class ForwardLineQuerySet(LeaseQuerySet["ForwardLine"]):
    def due(self, now: datetime) -> Self:
        """Queues that are due, those without failures first."""
        waiting = Forward.objects.waiting().filter(webhook=OuterRef("webhook"))
        return (
            self.filter(Exists(waiting), is_due_after("next_try_at", now, ForwardLine.WAITS))
            .exclude(webhook__forward_to="")
            .order_by("tries", "next_try_at")
        )


class ForwardLine(Setback):
    """The forwarding queue of one webhook. Its callbacks are sent one by one, in order.

    A worker that takes the queue sets `next_try_at` to the end of its lease. Other workers skip it
    until then.
    """

    # One run including a full timeout takes less time than the lease. With Retry-After, a receiver
    # can request a wait of up to one hour.
    WAITS: Final = Waits(timedelta(seconds=60), timedelta(hours=1), timedelta(hours=1))

    webhook = models.OneToOneField(
        Webhook,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="forward_line",
        verbose_name=_("webhook"),
    )
    next_try_at = models.DateTimeField(_("next try"))
    # Failed tries, and the time of the first one, since the receiver last accepted a
    # callback.
    tries = models.PositiveIntegerField(_("tries"), default=0)
    failing_since = models.DateTimeField(_("failing since"), null=True)

    objects = ForwardLineQuerySet.as_manager()

    class Meta:
        verbose_name = _("forwarding queue")
        verbose_name_plural = _("forwarding queues")

    def __str__(self) -> str:
        return str(self.webhook)
