from datetime import datetime, timedelta
from typing import Any, Final, Self
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models
from django.db.models import DurationField, Exists, Func, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from messages.models.due import LeaseQuerySet, Waits, is_due

from .fields import ProblemFields, SecretField, SecretUnreadableError
from .incident import Incident, IncidentKind
from .instance import Instance


class ChannelKind(models.TextChoices):
    EMAIL = "email", _("E-mail")
    SLACK = "slack", _("Slack-compatible webhook")
    WEBHOOK = "webhook", _("Signed webhook")


class _Minutes(Func):
    """So many minutes as a duration: SQLite holds those in microseconds."""

    output_field = DurationField()
    template = "(%(expressions)s * INTERVAL '1 minute')"

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> Any:
        return self.as_sql(compiler, connection, template="(%(expressions)s * 60000000)")


class ChannelQuerySet(LeaseQuerySet["Channel"]):
    def due(self, now: datetime) -> Self:
        """Those with something to tell, and that may be told now."""
        waiting = Notification.objects.waiting().filter(channel=OuterRef("pk"))
        works = Q(is_due("next_at", now, Channel.WAITS.lease + _Minutes("pause")), tries=0)
        fails = Q(is_due("next_at", now, Channel.WAITS.longest), tries__gt=0)
        return self.filter(works | fails, Exists(waiting), enabled=True).order_by("next_at")


class Channel(ProblemFields):
    """Where people are told of incidents. Told at once, then at most once in `pause` minutes.

    A worker that serves a channel moves `next_at` ahead, which keeps the others away.
    """

    # One whole time-out is over within the lease. No receiver can ask for more than the longest.
    WAITS: Final = Waits(timedelta(minutes=2), timedelta(minutes=1), timedelta(hours=1))

    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=8, choices=ChannelKind.choices)
    # Sealed, because Slack's address is all that it takes to write there.
    address = SecretField(_("address"))
    secret = SecretField(_("signing secret"))
    # None chosen means all of them.
    kinds = models.JSONField(_("kinds"), default=list, blank=True)
    instances = models.ManyToManyField(
        Instance, blank=True, related_name="+", verbose_name=_("instances")
    )
    language = models.CharField(
        _("language"), max_length=8, choices=settings.LANGUAGES, default=settings.LANGUAGE_CODE
    )
    pause = models.PositiveSmallIntegerField(_("minutes between alerts"), default=10)
    enabled = models.BooleanField(_("enabled"), default=True)
    next_at = models.DateTimeField(default=timezone.now, editable=False)
    # Both since the last time that anything was taken.
    tries = models.PositiveSmallIntegerField(default=0, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    told_at = models.DateTimeField(_("last sent"), null=True, editable=False)

    objects = ChannelQuerySet.as_manager()

    class Meta:
        verbose_name = _("notification channel")
        verbose_name_plural = _("notification channels")
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name

    @property
    def hint(self) -> str:
        """What may be shown of the address: an e-mail's whole, of a URL the host."""
        try:
            address = self.address.reveal()
        except SecretUnreadableError:
            return str(self.address)
        return address if self.kind == ChannelKind.EMAIL else urlsplit(address).hostname or ""

    @property
    def kind_labels(self) -> list[str]:
        return [str(IncidentKind(kind).label) for kind in self.kinds if kind in IncidentKind.values]


class Transition(models.TextChoices):
    OPENED = "opened", _("Opened")
    RESOLVED = "resolved", _("Resolved")
    # Not over: told from now on as part of the incident that caused it.
    MERGED = "merged", _("Merged")


class NotificationState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    TOLD = "told", _("Notified")
    GIVEN_UP = "given up", _("Given up")


class NotificationQuerySet(models.QuerySet["Notification"]):
    def waiting(self) -> Self:
        return self.filter(state=NotificationState.WAITING)


class Notification(models.Model):
    """One turn of one incident that one channel is to be told of: an outbox.

    `digest` names the message that it goes out with, and stays the same however often that is
    tried, so that a receiver can tell a copy.
    """

    channel = models.ForeignKey(
        Channel, on_delete=models.CASCADE, related_name="notifications", db_index=False
    )
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="+")
    transition = models.CharField(max_length=8, choices=Transition.choices)
    state = models.CharField(
        max_length=8, choices=NotificationState.choices, default=NotificationState.WAITING
    )
    created_at = models.DateTimeField()
    digest = models.UUIDField(null=True)
    told_at = models.DateTimeField(null=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "incident", "transition"], name="notification_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["channel", "id"],
                name="notification_waiting",
                condition=models.Q(state=NotificationState.WAITING),
            )
        ]

    def __str__(self) -> str:
        return f"{self.channel}: {self.incident} {self.transition}"
