"""Whether a person sees whole numbers, and what stands in for a number where not."""

import re
from collections.abc import Iterable
from typing import Any, Final, TypeVar

from messages.domain import addresses
from messages.domain.addresses import AddressKind
from messages.models import Callback, Incident, Instance, Label, Message, StatusEvent

from .roles import SEE_PHONES
from .scope import Viewer

# What Z-API, senders and people write in their own words, numbers among them.
_FREE_TEXTS: Final[dict[type, tuple[str, ...]]] = {
    Message: ("failure",),
    StatusEvent: ("reason", "raw_status", "source"),
    Callback: ("type", "cause"),
    Instance: ("connection_reason", "status_error"),
    Label: ("label", "reference"),
    Incident: ("note",),
}
# Groups and channels under their own ids of 18 digits, the one list of who sees a status, and other
# lists under the second at which they were made, from 2008 to 2033.
_NO_NUMBER: Final = re.compile(
    r"120363[0-9]{12}(?:-group|@g\.us|@newsletter)?"
    r"|(?:status|1[2-9][0-9]{8})@broadcast|1[2-9][0-9]{8}-broadcast"
)
# In characters. No address has more.
_MAX_ADDRESS_LENGTH: Final = 1000
# Digits of the second part are a time, in seconds, from 2008 to 2033.
_OLD_GROUP: Final = re.compile(r"[0-9]+(?P<founded>-1[2-9][0-9]{8}(?:-group|@g\.us)?)")
_Row = TypeVar("_Row", Message, StatusEvent, Callback, Instance, Label, Incident)


def sees_phones(user: Viewer) -> bool:
    return user.has_perm(SEE_PHONES)


def masked(address: str) -> str:
    """`•••• 99`: enough to tell two rows apart, not enough to call.

    Whatever is not known to be no number is hidden: Z-API may write one in ways not seen before.
    Known are the addresses of `_NO_NUMBER`; an old group's keeps the time at which it was founded,
    without the number of its founder.
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
    """What somebody wrote, without the numbers in it."""
    return addresses.mask_numbers(text)


def as_seen_by(user: Viewer, rows: Iterable[_Row]) -> list[_Row]:
    """The rows as this person may read them: to be shown, never to be saved."""
    shown = list(rows)
    return shown if sees_phones(user) else without_numbers(shown)


def without_numbers(rows: Iterable[_Row]) -> list[_Row]:
    """The rows as those read them who see no number: to be shown, never to be saved."""
    shown = list(rows)
    for row in shown:
        _mask(row)
    return shown


def _mask(row: Any) -> None:
    for name in _FREE_TEXTS[type(row)]:
        setattr(row, name, mask_text(getattr(row, name)))
    if isinstance(row, Incident):  # what a rule found may quote Z-API
        row.values = {name: _without_numbers(value) for name, value in row.values.items()}


def _without_numbers(value: Any) -> Any:
    """Of what JSON holds: the texts, however deep, and no number that was counted."""
    match value:
        case str():
            return mask_text(value)
        case list():
            return [_without_numbers(one) for one in value]
        case dict():
            return {name: _without_numbers(one) for name, one in value.items()}
        case _:
            return value
