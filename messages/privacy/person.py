"""Identifies a person by every address, in every format, that may be stored."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from django.db.models import Q
from django.utils.translation import gettext as _

from messages.accounts.audit import recipient_hash
from messages.domain import addresses as phones
from messages.domain.addresses import AddressKind
from messages.models import Alias

# A text with this many digits is a full number, even if no numbering plan is known for it.
_DIGITS_OF_LONG_NUMBERS = (14, 15)


class UnclearPersonError(ValueError):
    """The text does not identify one person; the error says what to enter."""


@dataclass(frozen=True)
class Person:
    """`names` are as person_key() returns them: numbers with the ninth digit, LIDs with @lid."""

    names: tuple[str, ...]

    @cached_property
    def addresses(self) -> frozenset[str]:
        """The forms stored in messages and events."""
        return frozenset(address for name in self.names for address in _stored_forms(name))

    @cached_property
    def digits(self) -> tuple[str, ...]:
        """The digit strings to search for in text."""
        return tuple(sorted({phones.digits_of(a.split("@")[0]) for a in self.addresses}))

    @cached_property
    def typed_pattern(self) -> str:
        """A pattern for Python and both databases that allows separators between digits."""
        return "|".join("[^0-9A-Za-z]*".join(digits) for digits in self.digits)

    @cached_property
    def fingerprints(self) -> list[str]:
        return [recipient_hash(name) for name in self.names]

    def is_named_in(self, text: bytes) -> bool:
        """Whether `text` contains the person's digits as a whole number.

        Longer numbers and old group ids (number-number) do not match.
        """
        return bool(self._pattern.search(text))

    @cached_property
    def _pattern(self) -> re.Pattern[bytes]:
        return re.compile(rb"(?<!\d)(?:" + "|".join(self.digits).encode() + rb")(?!\d|-\d)")


def find_person(text: str) -> Person:
    """Find a person by a full number in any format or a LID, including linked numbers and LIDs."""
    return person_of(_name(phones.clean_input(text)))


def person_of(address: str) -> Person:
    """The person, or the group or channel, that a message was sent to."""
    return Person(tuple(sorted(linked_names([phones.person_key(address)]))))


def _name(text: str) -> str:
    if phones.kind_of(text) is AddressKind.LID:
        return phones.person_key(text)
    found = {phones.person_key(number) for number in phones.full_numbers(text)}
    if len(found) == 1:
        return found.pop()
    if found:
        both = " / ".join(sorted(map(phones.display, found)))
        message = _("This could be %(both)s. Add + and the country code.")
        raise UnclearPersonError(message % {"both": both})
    if len(digits := phones.digits_of(text)) in _DIGITS_OF_LONG_NUMBERS:
        return digits
    raise UnclearPersonError(
        _("Enter a full number with country code, such as +55 44 99999-9999, or a LID.")
    )


def linked_names(names: Iterable[str]) -> set[str]:
    """The numbers and LIDs, and all numbers and LIDs linked to them, directly or indirectly."""
    known: set[str] = set()
    found = set(names)
    while found - known:
        known = set(found)
        tied = Alias.objects.filter(Q(lid__in=known) | Q(number__in=known))
        found |= set(_flat(tied.values_list("lid", "number")))
    return found


def _flat(pairs: Iterable[tuple[str, str]]) -> Iterable[str]:
    return (name for pair in pairs for name in pair)


def _stored_forms(name: str) -> set[str]:
    if phones.kind_of(name) is AddressKind.LID:
        return {name, name.removesuffix("@lid")}
    return set(phones.stored_forms(name))
