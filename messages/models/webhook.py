from django.db import models
from django.utils.translation import gettext_lazy as _

from messages.models.due import LeaseQuerySet

from .fields import ProblemFields
from .instance import Instance


class WebhookKind(models.TextChoices):
    """The kinds of webhooks that Statusboard uses, named as in `PUT /update-webhook-<kind>`."""

    MESSAGE_STATUS = "message-status", _("Message status")
    DELIVERY = "delivery", _("Dispatch")
    CONNECTED = "connected", _("Connected")
    DISCONNECTED = "disconnected", _("Disconnected")


class OtherKind(models.TextChoices):
    """Webhooks that Statusboard does not use.

    `update-every-webhooks` replaces them too, so their callbacks are forwarded. Their `wanted` is
    never true, so they are not pushed or verified, and cause no incident. This also applies to
    unknown webhooks, whose kind is their name in Z-API's /me. Only RECEIVED may be chosen.
    """

    RECEIVED = "received", _("Inbound messages")
    RECEIVED_DELIVERY = "received-delivery", _("Inbound and own messages")
    CHAT_PRESENCE = "chat-presence", _("Presence in chats")
    RECEIVED_STATUS = "received-status", _("Received status (Z-API: receivedStatus)")
    INITIAL_DATA = "initial-data", _("Initial data")


class WebhookState(models.TextChoices):
    NEVER_VERIFIED = "never verified", _("Never verified")
    IN_SYNC = "in sync", _("In sync")
    DIFFERS = "differs", _("Differs")
    UNREACHABLE = "unreachable", _("Unreachable")
    OFF = "off", _("Off")


class Webhook(ProblemFields):
    """A webhook of an instance: the URL that we pushed, and the URL that Z-API reports."""

    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="webhooks")
    # A WebhookKind or OtherKind, or the name in /me for an unknown webhook.
    kind = models.CharField(
        _("kind"), max_length=64, choices=[*WebhookKind.choices, *OtherKind.choices]
    )
    state = models.CharField(
        _("state"),
        max_length=20,
        choices=WebhookState.choices,
        default=WebhookState.NEVER_VERIFIED,
    )
    # Whether Statusboard should receive this kind. Null means undecided. Message statuses start as
    # true. Other kinds are null until Z-API reports that no other system uses the webhook.
    wanted = models.BooleanField(_("should be pushed"), null=True)
    # When a person last requested a push, and when the first callback arrived, which proves that
    # the URL works.
    asked_at = models.DateTimeField(_("requested"), null=True)
    heard_at = models.DateTimeField(_("first callback"), null=True)
    pushed_url = models.CharField(_("pushed URL"), max_length=500, blank=True)
    pushed_at = models.DateTimeField(_("pushed"), null=True)
    found_url = models.CharField(_("URL found at Z-API"), max_length=500, blank=True)
    checked_at = models.DateTimeField(_("checked"), null=True)
    # The last attempt to push or verify, successful or not.
    tried_at = models.DateTimeField(_("last attempt"), null=True)
    # The URL that ours replaced, so that it can be restored.
    previous_url = models.CharField(_("previous URL"), max_length=500, blank=True)
    # Another system's URL that a person agreed to replace. The agreement is only for this URL.
    replaces_url = models.CharField(max_length=500, blank=True, default="")
    # The URL to which callbacks of this kind are forwarded unchanged, or ''.
    forward_to = models.CharField(_("forward to"), max_length=500, blank=True)
    forwards_token = models.BooleanField(
        _("forward z-api-token"),
        default=False,
        help_text=_("This token can send messages. Forward it only to a receiver that needs it."),
    )
    # When the worker retries; null if a retry would not help.
    retry_at = models.DateTimeField(_("next try"), null=True, db_index=True)
    tries = models.PositiveSmallIntegerField(default=0)

    objects = LeaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        constraints = [
            models.UniqueConstraint(fields=["instance", "kind"], name="webhook_once"),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()

    @property
    def is_wanted(self) -> bool:
        return self.kind == WebhookKind.MESSAGE_STATUS if self.wanted is None else self.wanted
