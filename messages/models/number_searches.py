from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class NumberSearches(models.Model):
    """How often somebody who may not see numbers searched for one, hour by hour.

    Counts only: what was searched for is kept nowhere.
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
