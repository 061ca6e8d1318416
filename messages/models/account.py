from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from messages.models.due import LeaseQuerySet

from .fields import SecretField


class Account(models.Model):
    """A Z-API account. It owns the Client-Token that all its instances use."""

    name = models.CharField(_("name"), max_length=100)
    client_token = SecretField(_("Client-Token"))
    # For partners of Z-API: lists all instances of the account, hundreds in one call.
    partner_token = SecretField(_("partner token"))
    # When the worker may next call Z-API for this account (see messages.instances.call_budget).
    next_turn_at = models.DateTimeField(default=timezone.now, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = LeaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class PasswordResetRequest(models.Model):
    """The e-mail address that was entered to reset a password.

    The worker finds the account and deletes the request. It may be anybody's e-mail address, so it
    is encrypted.
    """

    address = SecretField(_("address"))
    language = models.CharField(_("language"), max_length=20)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    objects = LeaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("password reset request")
        verbose_name_plural = _("password reset requests")

    def __str__(self) -> str:
        return str(self.pk)


class SavedView(models.Model):
    """A person's saved filters of the Messages page; others see them if they are shared."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="saved_views",
        # The unique index starts with this column, so it needs no index of its own.
        db_index=False,
        verbose_name=_("person"),
    )
    name = models.CharField(_("name"), max_length=60)
    # The query string, as messages.search.criteria writes it.
    query = models.CharField(_("query"), max_length=1000, blank=True)
    shared = models.BooleanField(_("shared"), default=False, db_default=False)

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        ordering = ["name"]
        permissions = [("share_savedview", "Can share saved views")]
        constraints = [
            models.UniqueConstraint(fields=["user", "name"], name="saved_view_once"),
        ]

    def __str__(self) -> str:
        return self.name
