from django.db import models
from django.utils.translation import gettext_lazy as _

from .instance import Instance


class Label(models.Model):
    """What the sender's software calls a message: callbacks carry no text, so only it can tell.

    Tied to its message by the ids alone, because it may come before the first callback.
    """

    instance = models.ForeignKey(
        Instance,
        on_delete=models.PROTECT,
        related_name="labels",
        # The unique index starts with it.
        db_index=False,
        verbose_name=_("instance"),
    )
    zapi_id = models.CharField(_("message id"), max_length=128)
    reference = models.CharField(_("reference"), max_length=128, blank=True)
    label = models.CharField(_("label"), max_length=200, blank=True)
    updated_at = models.DateTimeField(_("changed"))

    class Meta:
        verbose_name = _("label")
        verbose_name_plural = _("labels")
        constraints = [
            models.UniqueConstraint(fields=["instance", "zapi_id"], name="label_once"),
        ]
        indexes = [models.Index(fields=["reference"], name="label_reference")]

    def __str__(self) -> str:
        return self.label or self.reference
