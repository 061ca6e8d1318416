"""The one search box: what a text may mean, and the sentence that says what was understood."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from messages.domain import addresses as phones
from messages.domain.addresses import AddressKind
from messages.models.functions import LAST_DIGITS

from .message_ids import bare, ids_within, may_begin_an_id

SHORTEST_PART: Final = 4
# A whole callback may be pasted for the id in it.
MAX_TEXT_LENGTH: Final = 512
_SPACES = re.compile(r"[\t\n\r]+")
# Control characters, and those without width that copying brings along.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060\ufeff]+")
# A Brazilian tax number, as it is written.
_CPF = re.compile(r"\d{3}\.\d{3}\.\d{3}-\d{2}")
_LOCAL_MOBILE = re.compile(r"9?[6-9]\d{7}")


class Meaning(StrEnum):
    NOTHING = "nothing"
    NUMBER = "number"
    BEGINNING = "beginning"
    END = "end"
    PART = "part"
    ADDRESS = "address"
    TEXT = "text"
    TOO_SHORT = "too short"


_UNDERSTOOD: Final = {
    Meaning.BEGINNING: gettext_lazy("Numbers starting with +%(part)s."),
    Meaning.END: gettext_lazy("Numbers ending in %(part)s, with or without the 9."),
    Meaning.PART: gettext_lazy("Numbers containing %(part)s."),
    Meaning.TEXT: gettext_lazy("Ids, references and labels matching %(text)s."),
    Meaning.TOO_SHORT: gettext_lazy(
        "Too short: enter at least 4 digits of a number, or a full message id."
    ),
}


@dataclass(frozen=True, slots=True)
class Search:
    """`addresses` are matched whole, `part` where in a number `meaning` says.

    The text itself, as it came and without what was pasted along, is tried as an id, a reference
    and a label too.
    """

    text: str
    meaning: Meaning
    addresses: tuple[str, ...] = ()
    part: str = ""

    def __bool__(self) -> bool:
        return self.meaning is not Meaning.NOTHING

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids are upper-case hexadecimal nearly always, and read out or typed in any case."""
        return _in_both_cases([self.text, phones.plain(self.text), *self._pasted])

    @property
    def beginnings_of_ids(self) -> tuple[str, ...]:
        """What may be the first half of an id; not a whole number or other address."""
        if self.addresses:
            return ()
        return _in_both_cases(filter(may_begin_an_id, self._pasted))

    @property
    def _pasted(self) -> tuple[str, ...]:
        return ids_within(self.text) or (bare(self.text),)

    @property
    def references(self) -> tuple[str, ...]:
        """As typed, and as software writes one that is the same in a single case."""
        texts = (self.text, bare(self.text))
        forms = (form for text in texts for form in (text, text.upper(), text.lower()))
        return tuple(dict.fromkeys(forms))

    @property
    def is_of_people(self) -> bool:
        """Whether it asks for somebody's number or LID, whole or in part."""
        if self.meaning is Meaning.ADDRESS:
            return phones.kind_of(self.addresses[0]) is AddressKind.LID
        return bool(self.addresses or self.part)

    @property
    def anywhere(self) -> str:
        """The text that asks for the same digits wherever they are in a number; '' if this does."""
        if self.meaning is Meaning.NUMBER:
            return f"*{phones.whole_numbers(self.text)[0]}*"
        return f"*{self.part}*" if self.meaning in {Meaning.BEGINNING, Meaning.END} else ""

    @property
    def numbers_within(self) -> tuple[str, ...]:
        """The whole numbers that stand in it among other words, as they are shown."""
        if self.meaning not in {Meaning.TEXT, Meaning.PART}:
            return ()
        written = [one for one in phones.numbers_in(self.text) if not _CPF.fullmatch(one)]
        if written == [self.text.strip("*")]:
            return ()  # it was searched for as a part, by who has seen that it is no whole one
        found = map(phones.whole_numbers, written)
        return tuple(dict.fromkeys(phones.display(numbers[0]) for numbers in found if numbers))

    @property
    def understood(self) -> str:
        if self.meaning is not Meaning.TOO_SHORT and self.text.isascii() and self.text.isdigit():
            also = _("Includes matching ids, references and labels.")
            return f"{self._understood} {also}"
        return self._understood

    @property
    def as_text(self) -> Self:
        """The same where it is asked for nobody's number: as an id, a reference and a label."""
        return type(self)(self.text, Meaning.TEXT)

    @property
    def _understood(self) -> str:
        if self.meaning is Meaning.NUMBER:
            return _number_understood(self)
        if self.meaning is Meaning.ADDRESS:
            return _address_understood(self.addresses[0])
        if ids := ids_within(self.text):
            words = ngettext(
                "Showing message id %(ids)s.",
                "Showing message ids %(ids)s.",
                len(ids),
            )
            return words % {"ids": ", ".join(ids)}
        part = f"{self.part[:4]}-{self.part[4:]}" if self.meaning is Meaning.END else self.part
        named = {"part": part, "text": self.text}
        return str(_UNDERSTOOD.get(self.meaning, "")) % named


def understand(text: str) -> Search:
    text = _UNSEEN.sub("", _SPACES.sub(" ", text[: 2 * MAX_TEXT_LENGTH])).strip()[:MAX_TEXT_LENGTH]
    if not text or ids_within(text):
        return Search(text, Meaning.TEXT if text else Meaning.NOTHING)
    plain = phones.plain(text)
    kind = phones.kind_of(plain)
    if kind.is_of_many or plain.endswith("@lid"):
        return Search(text, Meaning.ADDRESS, addresses=phones.writings(plain))
    if numbers := phones.whole_numbers(plain):
        forms = tuple(form for number in numbers for form in phones.both_forms(number))
        return Search(text, Meaning.NUMBER, addresses=tuple(dict.fromkeys(forms)))
    if kind is AddressKind.LID:  # without its mark, as in a group's callbacks
        return Search(text, Meaning.ADDRESS, addresses=(phones.person(plain),))
    return _part(text, plain)


def _in_both_cases(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(form for text in texts for form in (text, text.upper())))


def _part(text: str, plain: str) -> Search:
    digits = phones.digits_of(plain.strip("*"))
    if not digits:
        return Search(text, Meaning.TEXT)
    if len(digits) < SHORTEST_PART:
        return Search(text, Meaning.TOO_SHORT)
    if plain.startswith("*") or plain.endswith("*"):
        return Search(text, Meaning.PART, part=digits)
    if plain.startswith("+"):
        return Search(text, Meaning.BEGINNING, part=digits)
    if _LOCAL_MOBILE.fullmatch(digits):
        return Search(text, Meaning.END, part=digits[-LAST_DIGITS:])
    return Search(text, Meaning.PART, part=digits)


def _number_understood(search: Search) -> str:
    shown = [phones.display(address) for address in search.addresses]
    if len(shown) == 2 and phones.same_person(*search.addresses):
        names = {"number": shown[0], "other": shown[1]}
        return _("Showing %(number)s, with and without the 9 (%(other)s).") % names
    return _("Showing %(number)s.") % {"number": ", ".join(shown)}


def _address_understood(address: str) -> str:
    match phones.kind_of(address):
        case AddressKind.LID:
            return _("Showing LID %(address)s.") % {"address": address}
        case AddressKind.GROUP:
            return _("Showing group %(address)s.") % {"address": address}
        case AddressKind.CHANNEL:
            return _("Showing channel %(address)s.") % {"address": address}
        case _:
            return _("Showing broadcast list %(address)s.") % {"address": address}
