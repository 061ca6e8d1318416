from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .limits import Limit


class KeyRole(models.TextChoices):
    """The role whose permissions a key has; see messages.accounts.roles."""

    SUPPORT = "support", _("Support")
    SUPERVISOR = "supervisor", _("Supervisor")
    ADMIN = "admin", _("Admin")


class ApiKey(models.Model):
    """A key for other software. It is shown once, and only its hash is stored."""

    name = models.CharField(_("name"), max_length=100)
    # The beginning of the key in plain text. It finds the row and identifies the key to people.
    prefix = models.CharField(_("begins with"), max_length=16, unique=True, editable=False)
    hash = models.CharField(max_length=64, editable=False)
    role = models.CharField(_("role"), max_length=16, choices=KeyRole.choices)
    may_read = models.BooleanField(_("may read"), default=True)
    may_label = models.BooleanField(_("may label messages"), default=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("created by"),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, editable=False)
    # The start of the current quota of one minute, in which `requests` counts.
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    requests = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(may_read=True) | Q(may_label=True), name="api_key_may_something"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def is_usable(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


class ApiKeyLimit(Limit):
    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="limits")

    class Meta:
        verbose_name = _("API key’s limit")
        verbose_name_plural = _("API keys’ limits")
        constraints = [
            Limit.of_one_thing("key_limit_of_one_thing"),
            models.UniqueConstraint(fields=["key", "account"], name="key_limit_account_once"),
            models.UniqueConstraint(fields=["key", "instance"], name="key_limit_instance_once"),
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.account or self.instance}"
