"""Whether a person sees whole numbers, and what stands in for a number where not."""

from typing import Final

from messages import phones
from messages.phones import AddressKind

from .roles import SEE_PHONES
from .scope import Viewer

SHOWN_DIGITS: Final = 2


def sees_phones(user: Viewer) -> bool:
    return user.has_perm(SEE_PHONES)


def masked(address: str) -> str:
    """`•••• 99`: enough to tell two rows apart, not enough to call.

    Groups stay whole, except for the number of its founder that an old group's address begins with.
    """
    match phones.kind_of(address):
        case AddressKind.PHONE:
            digits = phones.digits_of(address)
            return f"•••• {digits[-SHOWN_DIGITS:]}"
        case AddressKind.LID:
            return "•••• LID"
        case AddressKind.GROUP if _is_founded(address):
            return f"••••-{address.partition('-')[2]}"
        case _:
            return address


def _is_founded(group: str) -> bool:
    founder, hyphen, _ = group.partition("-")
    return bool(hyphen) and phones.kind_of(founder) is AddressKind.PHONE
