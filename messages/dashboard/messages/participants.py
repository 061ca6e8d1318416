"""Whom a message reached, named as well as the board can."""

from collections.abc import Sequence
from dataclasses import replace

from messages.accounts.scope import Viewer
from messages.domain import addresses
from messages.domain.addresses import AddressKind
from messages.search.matches import numbers_of_lids

from .timeline import Recipient


def with_numbers(people: Sequence[Recipient], user: Viewer) -> list[Recipient]:
    """Beside a LID the number that it was seen with, on whichever message that was."""
    lids = list(map(_only_lid, people))
    numbers = numbers_of_lids(filter(None, lids), user)
    # Who was reported under both, apart, was counted as two: one name for both would deny it.
    named = {addresses.person(address) for one in people for address in one.addresses}
    known = {lid: number for lid, number in numbers.items() if number not in named}
    return [
        replace(one, known_as=known.get(lid, "")) for one, lid in zip(people, lids, strict=True)
    ]


def _only_lid(one: Recipient) -> str:
    """As `phones.person` writes it; '' where a number was reported too."""
    kinds = {addresses.kind_of(address) for address in one.addresses}
    return addresses.person(one.addresses[0]) if kinds == {AddressKind.LID} else ""
