from django.db import models
from django.utils.translation import gettext_lazy as _


class Throttle(models.Model):
    """How many failed attempts are counted against an account, a client or a device.

    Every attempt moves `free_at` ahead by the same time; how far it lies ahead says how many
    count at present, so a row needs no history and no reset.
    """

    # A keyed hash: what is typed into a sign-in page may be a password in the wrong field.
    key = models.CharField(_("key"), max_length=80, primary_key=True)
    # Milliseconds since 1970.
    free_at = models.BigIntegerField(_("free at"), default=0, db_index=True)
    # Failures that the audit log does not show one by one.
    left_out = models.PositiveIntegerField(_("left out"), default=0)

    class Meta:
        verbose_name = _("throttle")
        verbose_name_plural = _("throttles")

    def __str__(self) -> str:
        return self.key
