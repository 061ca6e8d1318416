"""Parses the text of the search box and describes how it was understood."""

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

from .message_ids import ids_in_text, may_be_id_prefix, strip_punctuation

MIN_PART_LENGTH: Final = 4
# People paste whole callbacks to find the message in them.
MAX_TEXT_LENGTH: Final = 512
_SPACES = re.compile(r"[\t\n\r]+")
# Control characters and the zero-width characters that copying adds.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060\ufeff]+")
# A Brazilian tax number (CPF) in its usual format.
_CPF = re.compile(r"\d{3}\.\d{3}\.\d{3}-\d{2}")
# At least MIN_PART_LENGTH, and fewer than a complete number has.
_DIGITS_ALONE = re.compile(r"(?<![\w-])[0-9]{4,9}(?![\w-])")
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


_DESCRIPTIONS: Final = {
    Meaning.BEGINNING: gettext_lazy("Numbers starting with +%(part)s."),
    Meaning.END: gettext_lazy("Numbers ending in %(part)s, with or without the 9."),
    Meaning.PART: gettext_lazy("Numbers containing %(part)s."),
    Meaning.TOO_SHORT: gettext_lazy(
        "Too short: enter at least 4 digits of a number, or a full message id."
    ),
}


@dataclass(frozen=True, slots=True)
class Search:
    """A parsed search text.

    `addresses` are matched completely; `part` is matched at the place in a number that `meaning`
    names. The text is also tried as an id, a reference and a label.
    """

    text: str
    meaning: Meaning
    addresses: tuple[str, ...] = ()
    part: str = ""

    def __bool__(self) -> bool:
        return self.meaning is not Meaning.NOTHING

    @property
    def ids(self) -> tuple[str, ...]:
        """The text as ids, also in upper case: most ids are upper-case hexadecimal."""
        return _with_upper_case([self.text, phones.clean_input(self.text), *self._pasted_ids])

    @property
    def id_prefixes(self) -> tuple[str, ...]:
        """Possible beginnings of ids; none if the text is a complete address."""
        if self.addresses:
            return ()
        return _with_upper_case(filter(may_be_id_prefix, self._pasted_ids))

    @property
    def _pasted_ids(self) -> tuple[str, ...]:
        return ids_in_text(self.text) or (strip_punctuation(self.text),)

    @property
    def references(self) -> tuple[str, ...]:
        """The text as a reference: as typed, and in upper and lower case."""
        texts = (self.text, strip_punctuation(self.text))
        forms = (form for text in texts for form in (text, text.upper(), text.lower()))
        return tuple(dict.fromkeys(forms))

    @property
    def is_for_person(self) -> bool:
        """Whether it searches for a person's number or LID, or a part of one."""
        if self.meaning is Meaning.ADDRESS:
            return phones.kind_of(self.addresses[0]) is AddressKind.LID
        return bool(self.addresses or self.part)

    @property
    def anywhere_text(self) -> str:
        """A search text that finds these digits anywhere in a number.

        It is "" if this search already does so.
        """
        if self.meaning is Meaning.NUMBER:
            return f"*{phones.full_numbers(self.text)[0]}*"
        if self.meaning is Meaning.TEXT:
            return f"*{digits}*" if (digits := self.digits_among_words) else ""
        return f"*{self.part}*" if self.meaning in {Meaning.BEGINNING, Meaning.END} else ""

    @property
    def digits_among_words(self) -> str:
        """The only digits among other words that may be a part of a number: `maria 99999`."""
        if self.meaning is not Meaning.TEXT or ids_in_text(self.text):
            return ""
        found = _DIGITS_ALONE.findall(self.text)
        return found[0] if len(found) == 1 and not self.numbers_in_text else ""

    @property
    def numbers_in_text(self) -> tuple[str, ...]:
        """The complete numbers among other words of the text, formatted."""
        if self.meaning not in {Meaning.TEXT, Meaning.PART}:
            return ()
        written = [one for one in phones.find_numbers(self.text) if not _CPF.fullmatch(one)]
        if written == [self.text.strip("*")]:
            return ()  # the text is the number itself, deliberately searched as a part
        found = map(phones.full_numbers, written)
        return tuple(dict.fromkeys(phones.display(numbers[0]) for numbers in found if numbers))

    @property
    def description(self) -> str:
        if self.meaning is not Meaning.TOO_SHORT and self.text.isascii() and self.text.isdigit():
            also = _("Includes matching ids, references and labels.")
            return f"{self._description} {also}"
        return self._description

    @property
    def as_text(self) -> Self:
        """The same text, searched only as an id, a reference and a label."""
        return type(self)(self.text, Meaning.TEXT)

    @property
    def _description(self) -> str:
        if self.meaning is Meaning.NUMBER:
            return _describe_number(self)
        if self.meaning is Meaning.ADDRESS:
            return _describe_address(self.addresses[0])
        if self.meaning is Meaning.TEXT:
            return _describe_text(self.text)
        part = f"{self.part[:4]}-{self.part[4:]}" if self.meaning is Meaning.END else self.part
        return str(_DESCRIPTIONS.get(self.meaning, "")) % {"part": part}


def parse_search(text: str) -> Search:
    text = _UNSEEN.sub("", _SPACES.sub(" ", text[: 2 * MAX_TEXT_LENGTH])).strip()[:MAX_TEXT_LENGTH]
    if not text or ids_in_text(text):
        return Search(text, Meaning.TEXT if text else Meaning.NOTHING)
    plain = phones.clean_input(text)
    kind = phones.kind_of(plain)
    if kind.has_many_recipients or plain.endswith("@lid"):
        return Search(text, Meaning.ADDRESS, addresses=phones.stored_forms(plain))
    if numbers := phones.full_numbers(plain):
        forms = tuple(form for number in numbers for form in phones.ninth_digit_forms(number))
        return Search(text, Meaning.NUMBER, addresses=tuple(dict.fromkeys(forms)))
    if kind is AddressKind.LID:  # without @lid, as in the callbacks of groups
        return Search(text, Meaning.ADDRESS, addresses=(phones.person_key(plain),))
    return _part(text, plain)


def _with_upper_case(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(form for text in texts for form in (text, text.upper())))


def _part(text: str, plain: str) -> Search:
    digits = phones.digits_of(plain.strip("*"))
    if not digits:
        return Search(text, Meaning.TEXT)
    if len(digits) < MIN_PART_LENGTH:
        return Search(text, Meaning.TOO_SHORT)
    if plain.startswith("*") or plain.endswith("*"):
        return Search(text, Meaning.PART, part=digits)
    if plain.startswith("+"):
        return Search(text, Meaning.BEGINNING, part=digits)
    if _LOCAL_MOBILE.fullmatch(digits):
        return Search(text, Meaning.END, part=digits[-LAST_DIGITS:])
    return Search(text, Meaning.PART, part=digits)


def _describe_text(text: str) -> str:
    if ids := ids_in_text(text):
        sentence = ngettext("Showing message id %(ids)s.", "Showing message ids %(ids)s.", len(ids))
        return sentence % {"ids": ", ".join(ids)}
    words = text.split()
    if len(words) > 1:
        sentence = _("Ids, references and labels with all of these words: %(words)s.")
        return sentence % {"words": " · ".join(words)}
    return _("Ids, references and labels matching %(text)s.") % {"text": text}


def _describe_number(search: Search) -> str:
    shown = [phones.display(address) for address in search.addresses]
    if len(shown) == 2 and phones.same_person(*search.addresses):
        names = {"number": shown[0], "other": shown[1]}
        return _("Showing %(number)s, with and without the 9 (%(other)s).") % names
    return _("Showing %(number)s.") % {"number": ", ".join(shown)}


def _describe_address(address: str) -> str:
    match phones.kind_of(address):
        case AddressKind.LID:
            return _("Showing LID %(address)s.") % {"address": address}
        case AddressKind.GROUP:
            return _("Showing group %(address)s.") % {"address": address}
        case AddressKind.CHANNEL:
            return _("Showing channel %(address)s.") % {"address": address}
        case AddressKind.STATUS:
            return _("Showing our own status.")
        case _:
            return _("Showing broadcast list %(address)s.") % {"address": address}
