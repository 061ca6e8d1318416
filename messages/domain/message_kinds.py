"""What a message was sent to: a person, a group, a broadcast list, a channel or our own status.

It follows from the recipient's address, so no column stores it.
"""

from collections.abc import Iterable
from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from .addresses import AddressKind, kind_of


class MessageKind(TextChoices):
    INDIVIDUAL = "individual", _("Individual")
    GROUP = "group", _("Group")
    LIST = "list", _("Broadcast list")
    CHANNEL = "channel", _("Channel")
    STATUS = "status", _("Our status")


# WhatsApp reports deliveries of these. Rates and the Overview count no others.
COUNTED: Final = (MessageKind.INDIVIDUAL, MessageKind.GROUP, MessageKind.LIST)
# The kinds whose messages several people receive, but not our own status.
SHARED: Final = (MessageKind.GROUP, MessageKind.LIST, MessageKind.CHANNEL)
_KINDS: Final = {
    AddressKind.LIST: MessageKind.LIST,
    AddressKind.CHANNEL: MessageKind.CHANNEL,
    AddressKind.STATUS: MessageKind.STATUS,
}


def message_kind(phone: str, *, is_group: bool) -> MessageKind:
    """The kind of a message to `phone`.

    Z-API may report a group whose address does not look like one.
    """
    if not is_group:
        return MessageKind.INDIVIDUAL
    return _KINDS.get(kind_of(phone), MessageKind.GROUP)


def kind_of_addresses(phones: Iterable[str]) -> MessageKind | None:
    """The kind that the addresses of a message's events name; None for persons and groups."""
    kinds = (_KINDS.get(kind_of(phone)) for phone in set(phones))
    return next(filter(None, kinds), None)
