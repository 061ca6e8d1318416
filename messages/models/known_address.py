from collections.abc import Iterable
from typing import Final

from django.db import connection, models
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from .last_digits import LastDigits
from .message import Message

_REMEMBER_ALL: Final = (
    "INSERT INTO whatsapp_knownaddress (address)"
    " SELECT DISTINCT phone FROM whatsapp_message WHERE phone <> '' ON CONFLICT DO NOTHING"
)


class KnownAddressQuerySet(models.QuerySet["KnownAddress"]):
    def remember(self, addresses: Iterable[str]) -> None:
        """Nearly all are known already: to look costs no write, to insert in vain would."""
        wanted = set(addresses) - {""}
        known = self.filter(address__in=wanted).values_list("address", flat=True)
        unknown = sorted(wanted.difference(known))
        self.bulk_create([KnownAddress(address=one) for one in unknown], ignore_conflicts=True)

    def remember_all(self) -> None:
        """Those of all the messages that are stored."""
        with connection.cursor() as cursor:
            cursor.execute(_REMEMBER_ALL)

    def forget_unused(self, addresses: Iterable[str]) -> int:
        """Those of them that no message has any more; how many there were."""
        using = Message.objects.filter(phone=OuterRef("address"))
        number, _ = self.filter(~Exists(using), address__in=set(addresses)).delete()
        return number


class KnownAddress(models.Model):
    """An address that messages were sent to, once however many there were.

    What finds a part of a number is an index that every message would pay for dearly; here only a
    number never seen before does. The worker adds them, so whole numbers are not looked up here.
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
