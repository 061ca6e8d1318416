from django.db import models
from django.utils.translation import gettext_lazy as _

from .instance import Instance
from .last_digits import LastDigits
from .message import Message


class Alias(models.Model):
    """A LID and a number that were seen for one and the same person.

    A set that only grows: no rule turns a LID into a number, so what was seen is all there is.
    Messages are never rewritten by it; a search expands through it.
    """

    instance = models.ForeignKey(
        Instance,
        on_delete=models.PROTECT,
        related_name="aliases",
        db_index=False,
        verbose_name=_("instance"),
    )
    # As `phones.person` names them: with `@lid`, and with the ninth digit.
    lid = models.CharField(_("LID"), max_length=128)
    number = models.CharField(_("number"), max_length=128)
    seen_at = models.DateTimeField(_("first seen"), auto_now_add=True)

    class Meta:
        verbose_name = _("alias")
        verbose_name_plural = _("aliases")
        constraints = [
            # The LID first: a search does not know the instance.
            models.UniqueConstraint(fields=["lid", "number", "instance"], name="alias_once"),
        ]
        indexes = [
            # Also of a number's beginning, as in Message. PostgreSQL has one more, for its middle,
            # which a model cannot name: see the migrations.
            models.Index(
                fields=["number"], name="alias_number_begins", opclasses=["varchar_pattern_ops"]
            ),
            models.Index(LastDigits("number"), name="alias_number_ends"),
        ]

    def __str__(self) -> str:
        return f"{self.lid} {self.number}"


class OtherAddress(models.Model):
    """An address that a message was reported under besides the one that it keeps.

    Only where no alias leads from the one to the other: rare, so that the events need no index.
    """

    message = models.ForeignKey(
        Message,
        on_delete=models.CASCADE,
        related_name="other_addresses",
        db_index=False,
        db_constraint=False,  # as in Message
        verbose_name=_("message"),
    )
    phone = models.CharField(_("address"), max_length=128)

    class Meta:
        verbose_name = _("other address")
        verbose_name_plural = _("other addresses")
        constraints = [
            models.UniqueConstraint(fields=["message", "phone"], name="other_address_once"),
        ]
        indexes = [models.Index(fields=["phone"], name="other_address_phone")]

    def __str__(self) -> str:
        return self.phone
