from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .account import Account
from .instance import Instance


class Throttle(models.Model):
    """How many failed sign-in attempts count against an account, a client or a device.

    Each failed attempt moves `free_at` a fixed interval into the future. The number of attempts is
    computed from `free_at` minus now, so no history and no reset is needed.
    """

    # A keyed hash: somebody may type a password into the wrong field.
    key = models.CharField(_("key"), max_length=80, primary_key=True)
    # Milliseconds since 1970.
    free_at = models.BigIntegerField(_("allowed again at"), default=0, db_index=True)
    # Failures without their own audit event. The audit log records only their number.
    left_out = models.PositiveIntegerField(_("failures not logged"), default=0)

    class Meta:
        verbose_name = _("attempt limit")
        verbose_name_plural = _("attempt limits")

    def __str__(self) -> str:
        return self.key


class NumberSearches(models.Model):
    """How often somebody who sees masked numbers searched for one, per hour.

    This table has counts only. The searches themselves are not stored.
    """

    # "user 5" or "key 3".
    who = models.CharField(_("who"), max_length=40)
    name = models.CharField(_("name"), max_length=150)
    # None for a key.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("person"),
    )
    hour = models.DateTimeField(_("hour"), db_index=True)
    minute = models.DateTimeField(_("minute"))
    in_minute = models.PositiveIntegerField(default=0)
    searches = models.PositiveIntegerField(_("searches"), default=0)
    in_vain = models.PositiveIntegerField(_("without a result"), default=0)
    refused = models.PositiveIntegerField(_("refused"), default=0)
    is_audited = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("searches for numbers")
        verbose_name_plural = _("searches for numbers")
        constraints = [
            models.UniqueConstraint(fields=["who", "hour"], name="number_searches_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.hour:%Y-%m-%d %H:%M}"


class Limit(models.Model):
    """An account or instance that somebody is limited to. Without limits they see everything.

    PROTECT, because deleting the last limit with its account would show them everything.
    """

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, verbose_name=_("account")
    )
    instance = models.ForeignKey(
        Instance, on_delete=models.PROTECT, null=True, blank=True, verbose_name=_("instance")
    )

    class Meta:
        abstract = True

    @classmethod
    def of_one_thing(cls, name: str) -> models.CheckConstraint:
        condition = Q(account=None, instance__isnull=False) | Q(
            account__isnull=False, instance=None
        )
        return models.CheckConstraint(condition=condition, name=name)


class UserLimit(Limit):
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="limits"
    )

    class Meta:
        verbose_name = _("limit")
        verbose_name_plural = _("limits")
        constraints = [
            Limit.of_one_thing("limit_of_one_thing"),
            models.UniqueConstraint(fields=["user", "account"], name="limit_once_by_account"),
            models.UniqueConstraint(fields=["user", "instance"], name="limit_once_by_instance"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.account or self.instance}"
