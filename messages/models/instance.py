from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import OuterRef, Subquery
from django.utils.translation import gettext_lazy as _

from .account import Account
from .callback import Callback
from .fields import SecretField


class InstanceQuerySet(models.QuerySet["Instance"]):
    def active(self) -> Self:
        return self.filter(archived_at=None)

    def with_last_heard(self) -> Self:
        """Annotates `last_heard_at`: asked of the evidence, so that no callback rewrites a row."""
        newest = Callback.objects.filter(instance=OuterRef("pk")).order_by("-received_at")
        return self.annotate(last_heard_at=Subquery(newest.values("received_at")[:1]))


class Instance(models.Model):
    """One WhatsApp number connected to Z-API. Archived when no longer used, never deleted."""

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="instances", verbose_name=_("account")
    )
    name = models.CharField(_("name"), max_length=100)
    zapi_id = models.CharField(_("instance id"), max_length=128, unique=True)
    token = SecretField(_("token"))
    # The webhook's key signs this number; keys of versions below `oldest_key_version` are retired.
    key_version = models.PositiveIntegerField(_("key version"), default=1, editable=False)
    oldest_key_version = models.PositiveIntegerField(default=1, editable=False)
    connected = models.BooleanField(_("connected"), null=True, editable=False)
    connection_changed_at = models.DateTimeField(null=True, editable=False)
    connection_reason = models.CharField(max_length=300, blank=True, editable=False)
    archived_at = models.DateTimeField(_("archived"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = InstanceQuerySet.as_manager()

    last_heard_at: datetime | None

    class Meta:
        verbose_name = _("instance")
        verbose_name_plural = _("instances")
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name
