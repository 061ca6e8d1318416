"""The one search box: what a text may mean, and the sentence that says what was understood."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.utils.translation import gettext as _

from messages import phones
from messages.phones import AddressKind

SHORTEST_PART: Final = 4
LONGEST_TEXT: Final = 128
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# Nine digits that begin as a mobile number of today: its old form lacks the first of them.
_LOCAL_MOBILE = re.compile(r"9[6-9]\d{7}")


class Meaning(StrEnum):
    NOTHING = "nothing"
    NUMBER = "number"
    PART = "part"
    ADDRESS = "address"
    ID = "id"
    TOO_SHORT = "too short"


@dataclass(frozen=True, slots=True)
class Search:
    """`addresses` are matched whole, `parts` anywhere; the text itself is tried as an id too."""

    text: str
    meaning: Meaning
    addresses: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.meaning is not Meaning.NOTHING

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids are upper-case hexadecimal nearly always, and read out or typed in any case."""
        return tuple(dict.fromkeys((self.text, self.text.upper())))

    @property
    def understood(self) -> str:
        match self.meaning:
            case Meaning.NUMBER:
                return _number_understood(self)
            case Meaning.PART:
                return _part_understood(self)
            case Meaning.ADDRESS:
                return _address_understood(self.addresses[0])
            case Meaning.ID:
                return _("Understood as the message id %(id)s.") % {"id": self.text}
            case Meaning.TOO_SHORT:
                return _("Too short: type at least 4 digits of a number, or a whole message id.")
            case Meaning.NOTHING:
                return ""


def understand(text: str) -> Search:
    text = _CONTROL.sub("", text).strip()[:LONGEST_TEXT]
    if not text:
        return Search("", Meaning.NOTHING)
    if phones.kind_of(text) in {AddressKind.GROUP, AddressKind.BROADCAST} or text.endswith("@lid"):
        return Search(text, Meaning.ADDRESS, addresses=(text,))
    if numbers := phones.whole_numbers(text):
        forms = tuple(form for number in numbers for form in phones.both_forms(number))
        return Search(text, Meaning.NUMBER, addresses=tuple(dict.fromkeys(forms)))
    digits = phones.digits_of(text)
    if not digits:
        return Search(text, Meaning.ID)
    if len(digits) < SHORTEST_PART:
        return Search(text, Meaning.TOO_SHORT)
    parts = (digits, digits[1:]) if _LOCAL_MOBILE.fullmatch(digits) else (digits,)
    return Search(text, Meaning.PART, parts=parts)


def _number_understood(search: Search) -> str:
    shown = [phones.display(address) for address in search.addresses]
    if len(shown) == 2 and phones.same_person(*search.addresses):
        names = {"number": shown[0], "other": shown[1]}
        if len(search.addresses[0]) > len(search.addresses[1]):
            return _("Understood as %(number)s; also searched without the 9: %(other)s.") % names
        return _("Understood as %(number)s; also searched with the 9: %(other)s.") % names
    return _("Understood as %(number)s.") % {"number": ", ".join(shown)}


def _part_understood(search: Search) -> str:
    if len(search.parts) > 1:
        text = _("Understood as part of a number: %(part)s; also searched without the 9.")
    else:
        text = _("Understood as part of a number: %(part)s.")
    return text % {"part": search.parts[0]}


def _address_understood(address: str) -> str:
    match phones.kind_of(address):
        case AddressKind.LID:
            return _("Understood as the LID %(address)s.") % {"address": address}
        case AddressKind.GROUP:
            return _("Understood as the group %(address)s.") % {"address": address}
        case _:
            return _("Understood as the broadcast list %(address)s.") % {"address": address}
