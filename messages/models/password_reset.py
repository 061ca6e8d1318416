"""Password resets that were asked for: the page stores what was typed, the worker looks it up."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .fields import SecretField


class PasswordResetRequest(models.Model):
    """Holds an address that may be anybody's, so it is encrypted, and deleted once looked up."""

    address = SecretField(_("address"))
    language = models.CharField(_("language"), max_length=20)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    class Meta:
        verbose_name = _("password reset request")
        verbose_name_plural = _("password reset requests")

    def __str__(self) -> str:
        return str(self.pk)
