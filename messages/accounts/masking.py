"""Mask phone numbers for people who may not see them."""

import re
from collections.abc import Iterable
from typing import Any, Final, TypeVar

from messages.domain import addresses
from messages.domain.addresses import AddressKind
from messages.models import Callback, Hold, Incident, Instance, Label, Message, StatusEvent

from .roles import SEE_PHONES
from .scope import Viewer

# Fields with free text, which may contain numbers.
_FREE_TEXTS: Final[dict[type, tuple[str, ...]]] = {
    Message: ("failure",),
    StatusEvent: ("reason", "raw_status", "source"),
    Callback: ("type", "cause_values"),
    Instance: ("connection_reason", "status_error"),
    Label: ("label", "reference"),
    Incident: ("note",),
    Hold: ("reason",),
}
# Addresses that contain no phone number: groups and channels with 18-digit ids, the status list,
# and broadcast lists. The id of a broadcast list is its creation time in seconds (2008 to 2033).
_NO_NUMBER: Final = re.compile(
    r"120363[0-9]{12}(?:-group|@g\.us|@newsletter)?"
    r"|(?:status|1[2-9][0-9]{8})@broadcast|1[2-9][0-9]{8}-broadcast"
)
# Longer addresses do not exist.
_MAX_ADDRESS_LENGTH: Final = 1000
# The second part is the creation time in seconds (2008 to 2033).
_OLD_GROUP: Final = re.compile(r"[0-9]+(?P<founded>-1[2-9][0-9]{8}(?:-group|@g\.us)?)")
_Row = TypeVar("_Row", Message, StatusEvent, Callback, Instance, Label, Incident, Hold)


def sees_phones(user: Viewer) -> bool:
    return user.has_perm(SEE_PHONES)


def masked(address: str) -> str:
    """Mask an address as `•••• 99`, which shows only the last two digits.

    Every address is masked unless `_NO_NUMBER` shows that it contains no number: Z-API may use new
    formats. The id of an old group consists of its creator's number and its creation time. Only the
    creation time is shown.
    """
    if len(address) > _MAX_ADDRESS_LENGTH:
        return addresses.masked("")
    if not address or _NO_NUMBER.fullmatch(address):
        return address
    if addresses.kind_of(address) is AddressKind.LID:
        return "•••• LID"
    if group := _OLD_GROUP.fullmatch(address):
        return f"••••{group['founded']}"
    return addresses.masked(addresses.without_host(address))


def mask_text(text: str) -> str:
    """Hide the phone numbers in a text."""
    return addresses.mask_numbers(text)


def as_seen_by(user: Viewer, rows: Iterable[_Row]) -> list[_Row]:
    """Return the rows. Their numbers are masked if this user may not see phone numbers.

    Do not save them.
    """
    shown = list(rows)
    return shown if sees_phones(user) else without_numbers(shown)


def without_numbers(rows: Iterable[_Row]) -> list[_Row]:
    """Mask the rows. Do not save them."""
    shown = list(rows)
    for row in shown:
        _mask(row)
    return shown


def _mask(row: Any) -> None:
    for name in _FREE_TEXTS[type(row)]:
        setattr(row, name, _without_numbers(getattr(row, name)))
    if isinstance(row, Incident):  # the values may contain text from Z-API
        row.values = {name: _without_numbers(value) for name, value in row.values.items()}


def _without_numbers(value: Any) -> Any:
    """Mask the texts in a JSON value; counts stay."""
    match value:
        case str():
            return mask_text(value)
        case list():
            return [_without_numbers(one) for one in value]
        case dict():
            return {name: _without_numbers(one) for name, one in value.items()}
        case _:
            return value
