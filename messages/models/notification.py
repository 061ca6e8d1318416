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
    """Convert a number of minutes to a duration. SQLite stores durations in microseconds."""

    output_field = DurationField()
    template = "(%(expressions)s * INTERVAL '1 minute')"

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> Any:
        return self.as_sql(compiler, connection, template="(%(expressions)s * 60000000)")


class ChannelQuerySet(LeaseQuerySet["Channel"]):
    def due(self, now: datetime) -> Self:
        """Channels with waiting notifications that may be sent now."""
        waiting = Notification.objects.waiting().filter(channel=OuterRef("pk"))
        works = Q(is_due("next_at", now, Channel.WAITS.lease + _Minutes("pause")), tries=0)
        fails = Q(is_due("next_at", now, Channel.WAITS.longest), tries__gt=0)
        return self.filter(works | fails, Exists(waiting), enabled=True).order_by("next_at")


class Channel(ProblemFields):
    """A destination for notifications about incidents.

    The first notification is sent immediately. Then at most one is sent every `pause` minutes. A
    worker that takes the channel sets `next_at` to the end of its lease. Other workers skip it
    until then.
    """

    # A full timeout is shorter than the lease. With Retry-After, a receiver cannot request a longer
    # wait than `longest`.
    WAITS: Final = Waits(timedelta(minutes=2), timedelta(minutes=1), timedelta(hours=1))

    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=8, choices=ChannelKind.choices)
    # Encrypted, because anybody who knows the URL of a Slack webhook can post to it.
    address = SecretField(_("address"))
    secret = SecretField(_("signing secret"))
    # An empty list means all kinds.
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
    # Both since the receiver last accepted a notification.
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
        """The visible part of the address: the whole e-mail address, or the host of a URL."""
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
    # The incident is not resolved. From now on it is reported as part of the incident that caused
    # it.
    MERGED = "merged", _("Merged")


class NotificationState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    TOLD = "told", _("Notified")
    GIVEN_UP = "given up", _("Given up")


class NotificationQuerySet(models.QuerySet["Notification"]):
    def waiting(self) -> Self:
        return self.filter(state=NotificationState.WAITING)


class Notification(models.Model):
    """The outbox: a change of an incident that a channel must be notified about.

    `digest` identifies the message that contains this notification. It stays the same for retries,
    so receivers can detect duplicates.
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
