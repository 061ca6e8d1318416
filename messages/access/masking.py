"""Whether a person sees whole numbers, and what stands in for a number where not."""

from collections.abc import Iterable
from typing import Any, Final, TypeVar

from messages import phones
from messages.models import Incident, Label, Message, StatusEvent
from messages.phones import AddressKind

from .roles import SEE_PHONES
from .scope import Viewer

# What Z-API, senders and people write in their own words, numbers among them.
_FREE_TEXTS: Final[dict[type, tuple[str, ...]]] = {
    Message: ("failure",),
    StatusEvent: ("reason", "raw_status"),
    Label: ("label", "reference"),
    Incident: ("note",),
}
_Row = TypeVar("_Row", Message, StatusEvent, Label, Incident)


def sees_phones(user: Viewer) -> bool:
    return user.has_perm(SEE_PHONES)


def masked(address: str) -> str:
    """`•••• 99`: enough to tell two rows apart, not enough to call.

    Groups stay whole, except for the number of its founder that an old group's address begins with.
    """
    match phones.kind_of(address):
        case AddressKind.PHONE:
            return phones.hidden(phones.digits_of(address))
        case AddressKind.LID:
            return "•••• LID"
        case AddressKind.GROUP if _is_founded(address):
            return f"••••-{address.partition('-')[2]}"
        case _:
            return address


def mask_text(text: str) -> str:
    """What somebody wrote, without the numbers in it."""
    return phones.without_numbers(text)


def as_seen_by(user: Viewer, rows: Iterable[_Row]) -> list[_Row]:
    """The rows as this person may read them: to be shown, never to be saved."""
    shown = list(rows)
    if not sees_phones(user):
        for row in shown:
            _mask(row)
    return shown


def _mask(row: Any) -> None:
    for name in _FREE_TEXTS[type(row)]:
        setattr(row, name, mask_text(getattr(row, name)))
    if isinstance(row, Incident):  # what a rule found may quote Z-API
        row.values = {
            name: mask_text(value) if isinstance(value, str) else value
            for name, value in row.values.items()
        }


def _is_founded(group: str) -> bool:
    founder, hyphen, _ = group.partition("-")
    return bool(hyphen) and phones.kind_of(founder) is AddressKind.PHONE
