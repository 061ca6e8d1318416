from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .fields import SecretField


class Account(models.Model):
    """A Z-API account: it owns the Client-Token that all its instances are called with."""

    name = models.CharField(_("name"), max_length=100)
    client_token = SecretField(_("Client-Token"))
    # Opens the list of all the account's instances, hundreds in a call, where Z-API gave one out.
    partner_token = SecretField(_("partner token"))
    # When the worker may next ask Z-API about this account's instances: it keeps to a budget.
    next_turn_at = models.DateTimeField(default=timezone.now, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name
