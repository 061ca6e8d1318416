from collections.abc import Iterable
from typing import Final

from django.db import connection, models
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from .functions import LastDigits
from .instance import Instance
from .message import Message


class Alias(models.Model):
    """A LID and a number that were seen for the same person.

    A number cannot be computed from a LID, so these pairs are collected. Only searches use them;
    they never change messages.
    """

    instance = models.ForeignKey(
        Instance,
        on_delete=models.PROTECT,
        related_name="aliases",
        db_index=False,
        verbose_name=_("instance"),
    )
    # As domain.addresses.person_key() writes them: with `@lid`, and with the ninth digit.
    lid = models.CharField(_("LID"), max_length=128)
    number = models.CharField(_("number"), max_length=128)
    seen_at = models.DateTimeField(_("first seen"), auto_now_add=True)

    class Meta:
        verbose_name = _("alias")
        verbose_name_plural = _("aliases")
        constraints = [
            # The LID is the first column, because searches have no instance.
            models.UniqueConstraint(fields=["lid", "number", "instance"], name="alias_once"),
        ]
        indexes = [
            # This index also finds prefixes, like the one in Message. On PostgreSQL, a migration
            # adds an index for parts within a number.
            models.Index(
                fields=["number"], name="alias_number_begins", opclasses=["varchar_pattern_ops"]
            ),
            models.Index(LastDigits("number"), name="alias_number_ends"),
        ]

    def __str__(self) -> str:
        return f"{self.lid} {self.number}"


class OtherAddress(models.Model):
    """An additional address of a message, for which there is no alias.

    Such rows are rare. This table makes an index on the events unnecessary.
    """

    message = models.ForeignKey(
        Message,
        on_delete=models.CASCADE,
        related_name="other_addresses",
        db_index=False,
        db_constraint=False,  # no constraint, for the reason given in Message
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


_REMEMBER_ALL: Final = (
    "INSERT INTO whatsapp_knownaddress (address)"
    " SELECT DISTINCT phone FROM whatsapp_message WHERE phone <> '' ON CONFLICT DO NOTHING"
)


class KnownAddressQuerySet(models.QuerySet["KnownAddress"]):
    def remember(self, addresses: Iterable[str]) -> None:
        """Add new addresses.

        Known ones are filtered out first, because a failed insert costs a write.
        """
        wanted = set(addresses) - {""}
        known = self.filter(address__in=wanted).values_list("address", flat=True)
        unknown = sorted(wanted.difference(known))
        self.bulk_create([KnownAddress(address=one) for one in unknown], ignore_conflicts=True)

    def remember_all(self) -> None:
        """Remember the addresses of all stored messages."""
        with connection.cursor() as cursor:
            cursor.execute(_REMEMBER_ALL)

    def forget_unused(self, addresses: Iterable[str]) -> int:
        """Delete addresses that no message uses. Return their number."""
        using = Message.objects.filter(phone=OuterRef("address"))
        number, _ = self.filter(~Exists(using), address__in=set(addresses)).delete()
        return number


class KnownAddress(models.Model):
    """A recipient's address. Each address is stored once.

    Finding a part of a number needs an expensive index. In this table, the index is updated only
    for new numbers, not for every message. The worker adds rows later, so exact searches do not use
    this table.
    """

    address = models.CharField(_("address"), max_length=128)

    objects = KnownAddressQuerySet.as_manager()

    class Meta:
        verbose_name = _("known address")
        verbose_name_plural = _("known addresses")
        constraints = [models.UniqueConstraint(fields=["address"], name="known_address_once")]
        indexes = [models.Index(LastDigits("address"), name="known_address_ends")]

    def __str__(self) -> str:
        return self.address
