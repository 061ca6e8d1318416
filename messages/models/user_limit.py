from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .account import Account
from .instance import Instance


class UserLimit(models.Model):
    """One account or one instance that a person is limited to. Without any they see all.

    PROTECT, because a limit that vanished with its account would open all the others.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="limits"
    )
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, verbose_name=_("account")
    )
    instance = models.ForeignKey(
        Instance, on_delete=models.PROTECT, null=True, blank=True, verbose_name=_("instance")
    )

    class Meta:
        verbose_name = _("limit")
        verbose_name_plural = _("limits")
        constraints = [
            models.CheckConstraint(
                condition=Q(account=None, instance__isnull=False)
                | Q(account__isnull=False, instance=None),
                name="limit_of_one_thing",
            ),
            models.UniqueConstraint(fields=["user", "account"], name="limit_once_by_account"),
            models.UniqueConstraint(fields=["user", "instance"], name="limit_once_by_instance"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.account or self.instance}"
