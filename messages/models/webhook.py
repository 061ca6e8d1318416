from django.db import models
from django.utils.translation import gettext_lazy as _

from messages.models.due import LeaseQuerySet

from .fields import ProblemFields
from .instance import Instance


class WebhookKind(models.TextChoices):
    """Which of an instance's hooks, named as in `PUT /update-webhook-<kind>`."""

    MESSAGE_STATUS = "message-status", _("Message status")
    DELIVERY = "delivery", _("Delivery")
    CONNECTED = "connected", _("Connected")
    DISCONNECTED = "disconnected", _("Disconnected")


class OtherKind(models.TextChoices):
    """Hooks that the board has no use for: it takes them along with every one, to pass them on.

    Their webhooks are never wanted, so that nothing pushes, verifies or misses them. The same goes
    for those that are not known here: their kind is their name in Z-API's /me.
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
    """One hook of one instance: what we pushed, what Z-API said, what was read back."""

    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="webhooks")
    # One of the above, or what /me calls a hook that is not known here.
    kind = models.CharField(
        _("kind"), max_length=64, choices=[*WebhookKind.choices, *OtherKind.choices]
    )
    state = models.CharField(
        _("state"),
        max_length=20,
        choices=WebhookState.choices,
        default=WebhookState.NEVER_VERIFIED,
    )
    # Whether this board is to hear this kind: message statuses always, until a person says to leave
    # them; of the others null until Z-API has told that nobody else has their URL.
    wanted = models.BooleanField(_("should be pushed"), null=True)
    # When a person last asked for a push, and when the first callback proved the URL pushed.
    asked_at = models.DateTimeField(_("requested"), null=True)
    heard_at = models.DateTimeField(_("first callback"), null=True)
    pushed_url = models.CharField(_("pushed URL"), max_length=500, blank=True)
    pushed_at = models.DateTimeField(_("pushed"), null=True)
    found_url = models.CharField(_("URL found at Z-API"), max_length=500, blank=True)
    checked_at = models.DateTimeField(_("checked"), null=True)
    # The last attempt to push or to read back, in vain or not.
    tried_at = models.DateTimeField(_("last attempt"), null=True)
    # Whose URL ours replaced, so that it can be put back.
    previous_url = models.CharField(_("previous URL"), max_length=500, blank=True)
    # The URL of somebody else that a person agreed to replace: this one and no other.
    replaces_url = models.CharField(max_length=500, blank=True, default="")
    # Where this kind's callbacks are passed on to, byte for byte; '' for nowhere.
    forward_to = models.CharField(_("forward to"), max_length=500, blank=True)
    forwards_token = models.BooleanField(
        _("forward z-api-token"),
        default=False,
        help_text=_("This token can send messages. Forward it only to a receiver that needs it."),
    )
    # When the worker tries again by itself; null where another try would not help.
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
