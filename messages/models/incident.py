from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .instance import Instance


class IncidentKind(models.TextChoices):
    """Each kind has one rule in messages.incidents.rules. The most severe kind is first."""

    DISCONNECTED = "disconnected", _("Instance disconnected")
    WEBHOOK = "webhook", _("Wrong webhook URL")
    RESTRICTED = "restricted", _("Restricted by WhatsApp")
    NO_WORKER = "no worker", _("No worker is running")
    DEAF = "deaf", _("No callbacks are arriving")
    FILTERED = "filtered", _("Callbacks filtered at Z-API")
    NUMBER = "number", _("Number changed")
    SILENT = "silent", _("Connected, but no callbacks")
    UNREACHABLE = "unreachable", _("Cannot reach Z-API")
    UNCONFIRMED = "unconfirmed", _("Messages never confirmed")
    STUCK = "stuck", _("Messages stuck")
    FAILING = "failing", _("High failure rate")
    FORWARDING = "forwarding", _("Forwarding is failing")
    SPOOL = "spool", _("Offline buffer not empty")
    STRANGER = "stranger", _("Callbacks from another instance")
    GUESSING = "guessing", _("Many failed phone searches")
    QUARANTINE = "quarantine", _("Rejected callbacks")
    WORKER = "worker", _("A worker stopped")
    JOB = "job", _("A worker job is overdue")
    CHANNEL = "channel", _("Notifications are failing")
    EXPIRING = "expiring", _("Subscription expiring")


class IncidentQuerySet(models.QuerySet["Incident"]):
    def open(self) -> Self:
        return self.filter(resolved_at=None)

    def resolved(self) -> Self:
        return self.exclude(resolved_at=None)


class Incident(models.Model):
    """A problem that a person should know about, from its detection until it is over.

    Only messages.incidents opens and resolves it. `values` are the parameters of its text, which
    messages.incidents.presentation writes in each reader's language.
    """

    kind = models.CharField(_("kind"), max_length=16, choices=IncidentKind.choices)
    # `place` names a machine, a channel or a job. If the problem concerns all of Statusboard,
    # `instance` and `place` are empty.
    instance = models.ForeignKey(
        Instance,
        on_delete=models.CASCADE,
        null=True,
        related_name="incidents",
        verbose_name=_("instance"),
    )
    place = models.CharField(_("machine"), max_length=255, blank=True)
    values = models.JSONField(default=dict)
    opened_at = models.DateTimeField(_("opened"))
    last_seen_at = models.DateTimeField(_("last seen"))
    # Since when the rule no longer detects the problem. The incident is resolved after five minutes
    # without detection (CLEAR_FOR).
    clear_since = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(_("resolved"), null=True)
    acknowledged_at = models.DateTimeField(_("acknowledged"), null=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("acknowledged by"),
    )
    note = models.CharField(_("note"), max_length=500, blank=True)

    objects = IncidentQuerySet.as_manager()

    class Meta:
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "instance"],
                condition=Q(resolved_at=None, instance__isnull=False),
                name="incident_open_once",
            ),
            models.UniqueConstraint(
                fields=["kind", "place"],
                condition=Q(resolved_at=None, instance=None),
                name="incident_of_machine_open_once",
            ),
        ]
        indexes = [models.Index(fields=["-resolved_at", "-id"], name="incident_resolved")]

    def __str__(self) -> str:
        return str(self.get_kind_display())

    @property
    def is_open(self) -> bool:
        return self.resolved_at is None

    @property
    def lasted(self) -> timedelta:
        end: datetime = self.resolved_at or timezone.now()
        return end - self.opened_at


class Rhythm(models.Model):
    """How long an instance is usually silent, learned once a day from its callbacks.

    `hours` and `longest` are in seconds; see messages.incidents.usual_silence.
    """

    instance = models.OneToOneField(
        Instance, on_delete=models.CASCADE, primary_key=True, related_name="rhythm"
    )
    learnt_at = models.DateTimeField()
    hours = models.JSONField(default=list)
    longest = models.FloatField(null=True)

    def __str__(self) -> str:
        return str(self.instance)
