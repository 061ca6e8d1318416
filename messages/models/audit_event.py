from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from .instance import Instance


class Action(models.TextChoices):
    """The actions that are recorded in the audit log."""

    SIGNED_IN = "signed in", _("Signed in")
    SIGN_IN_FAILED = "sign-in failed", _("Sign-in failed")
    SIGNED_OUT = "signed out", _("Signed out")
    TWO_FACTOR_CHANGED = "two-factor changed", _("Two-factor changed")
    INVITED = "invited", _("Invited a person")
    USER_CHANGED = "user changed", _("Changed a person’s access")
    PHONE_REVEALED = "phone revealed", _("Revealed a number")
    PHONE_LOOKED_UP = "phone looked up", _("Checked a number with Z-API")
    QUEUE_READ = "queue read", _("Asked Z-API’s queue about a message")
    CALLS_REFUSED = "calls refused", _("Exceeded the limit of calls to other servers")
    NUMBERS_SEARCHED = "numbers searched", _("Searched for phone numbers")
    EXPORTED = "exported", _("Exported messages")
    ACCOUNT_CHANGED = "account changed", _("Changed an account")
    INSTANCE_ADDED = "instance added", _("Added an instance")
    INSTANCE_CHANGED = "instance changed", _("Changed an instance")
    WEBHOOK_PUSHED = "webhook pushed", _("Pushed a webhook")
    WEBHOOK_RESTORED = "webhook restored", _("Restored a webhook’s previous URL")
    WEBHOOK_LEFT = "webhook left", _("Left a webhook unchanged")
    KEY_ROTATED = "key rotated", _("Rotated a webhook’s key")
    KEY_RETIRED = "key retired", _("Disabled a webhook’s old key")
    INSTANCES_IMPORTED = "instances imported", _("Imported instances")
    BATCH_STARTED = "batch started", _("Started a batch")
    ENCRYPTION_ROTATED = "encryption rotated", _("Rotated the encryption key")
    FORWARDING_CHANGED = "forwarding changed", _("Changed forwarding")
    REPLAYED = "replayed", _("Reprocessed callbacks")
    DISCARDED = "discarded", _("Discarded callbacks")
    INCIDENT_CHANGED = "incident changed", _("Changed a problem")
    CHANNEL_ADDED = "channel added", _("Added a notification channel")
    CHANNEL_REMOVED = "channel removed", _("Removed a notification channel")
    CHANNEL_TESTED = "channel tested", _("Tested a notification channel")
    CHANNEL_CHANGED = "channel changed", _("Changed a notification channel")
    API_KEY_CREATED = "api key created", _("Created an API key")
    API_KEY_REVOKED = "api key revoked", _("Revoked an API key")
    LABELLED = "labelled", _("Labelled messages")
    AUDIT_EXPORTED = "audit exported", _("Exported the audit log")
    PERSON_FOUND = "person found", _("Looked up a person’s data")
    PERSON_EXPORTED = "person exported", _("Exported a person’s data")
    PERSON_ERASED = "person erased", _("Erased a person’s data")
    HOLD_PLACED = "hold placed", _("Placed a hold")
    HOLD_RELEASED = "hold released", _("Released a hold")
    RETENTION_CHANGED = "retention changed", _("Changed retention")
    PURGED = "purged", _("Deleted old data")


class AuditEvent(models.Model):
    """Who did what and when. Events are only added.

    It contains no phone number. `recipient` is a keyed hash, so the audit event of an erasure does
    not have to be erased.
    """

    at = models.DateTimeField(_("when"), auto_now_add=True)
    # The name stays when the user is deleted. The reference keeps the old id (DO_NOTHING), because
    # events are never updated.
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        null=True,
        related_name="+",
        db_constraint=False,
        verbose_name=_("who"),
    )
    actor_name = models.CharField(_("name"), max_length=150, blank=True)
    action = models.CharField(_("action"), max_length=40, choices=Action.choices)
    instance = models.ForeignKey(
        Instance,
        on_delete=models.DO_NOTHING,
        null=True,
        related_name="+",
        db_constraint=False,
        verbose_name=_("instance"),
    )
    # The primary key of a message, which may be deleted later.
    message_pk = models.BigIntegerField(_("message"), null=True)
    recipient = models.CharField(_("recipient, hashed"), max_length=64, blank=True)
    # The client's IP.
    address = models.CharField(_("address"), max_length=45, blank=True)
    details = models.JSONField(_("details"), default=dict)

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["-at", "-id"], name="audit_newest"),
            models.Index(fields=["action", "-at"], name="audit_action"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor_name} {self.action}"
