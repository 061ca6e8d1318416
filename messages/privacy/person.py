"""Who is meant: every address, in every writing, that the board may have met a person under."""

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

# So many digits cannot be a part of a number, even where no numbering plan is known to have it.
_DIGITS_OF_LONG_NUMBERS = (14, 15)


class UnclearPersonError(ValueError):
    """The text names nobody, or may name two people; it says what to enter instead."""


@dataclass(frozen=True)
class Person:
    """`names` are as `phones.person` writes them: numbers with the ninth digit, LIDs with @lid."""

    names: tuple[str, ...]

    @cached_property
    def addresses(self) -> frozenset[str]:
        """As they stand in messages and events."""
        return frozenset(address for name in self.names for address in _writings(name))

    @cached_property
    def digits(self) -> tuple[str, ...]:
        """As they stand within a text."""
        return tuple(sorted({phones.digits_of(a.split("@")[0]) for a in self.addresses}))

    @cached_property
    def by_hand(self) -> str:
        """As a pattern, read alike by Python and both databases: whatever parts the digits."""
        return "|".join("[^0-9A-Za-z]*".join(digits) for digits in self.digits)

    @cached_property
    def fingerprints(self) -> list[str]:
        return [recipient_hash(name) for name in self.names]

    def is_named_in(self, text: bytes) -> bool:
        """Not where the digits are part of longer ones, or begin an old group's address."""
        return bool(self._pattern.search(text))

    @cached_property
    def _pattern(self) -> re.Pattern[bytes]:
        return re.compile(rb"(?<!\d)(?:" + "|".join(self.digits).encode() + rb")(?!\d|-\d)")


def who_is(text: str) -> Person:
    """By a whole number in any writing or a LID, with what aliases tie to it."""
    return Person(tuple(sorted(_with_aliases(_name(phones.plain(text))))))


def _name(text: str) -> str:
    if phones.kind_of(text) is AddressKind.LID:
        return phones.person(text)
    found = {phones.person(number) for number in phones.whole_numbers(text)}
    if len(found) == 1:
        return found.pop()
    if found:
        both = " / ".join(sorted(map(phones.display, found)))
        words = _("This could be %(both)s. Add + and the country code.")
        raise UnclearPersonError(words % {"both": both})
    if len(digits := phones.digits_of(text)) in _DIGITS_OF_LONG_NUMBERS:
        return digits
    raise UnclearPersonError(
        _("Enter a full number with country code, such as +55 44 99999-9999, or a LID.")
    )


def _with_aliases(name: str) -> set[str]:
    """All that is tied to it, and to what is tied to that."""
    known: set[str] = set()
    found = {name}
    while found - known:
        known = set(found)
        tied = Alias.objects.filter(Q(lid__in=known) | Q(number__in=known))
        found |= set(_flat(tied.values_list("lid", "number")))
    return found


def _flat(pairs: Iterable[tuple[str, str]]) -> Iterable[str]:
    return (name for pair in pairs for name in pair)


def _writings(name: str) -> set[str]:
    if phones.kind_of(name) is AddressKind.LID:
        return {name, name.removesuffix("@lid")}
    return set(phones.both_forms(name))
