"""How far a message came, and with whom: what pages word and exports count, by one rule.

Pure functions over StatusEvents or Reports, in any order: the highest rank, per person wherever
there is more than one.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol, TypeVar

from messages.domain import addresses as phones
from messages.domain.addresses import AddressKind
from messages.domain.statuses import Status
from messages.domain.statuses import highest as highest_of

# Faster than Status(...), which a large group asks for thousands of times.
_STATUSES: dict[str, Status] = {status.value: status for status in Status}


class Reported(Protocol):
    """A StatusEvent, or as much as was read of one."""

    @property
    def status(self) -> str: ...
    @property
    def raw_status(self) -> str: ...
    @property
    def occurred_at(self) -> datetime: ...
    @property
    def phone(self) -> str: ...
    @property
    def participant(self) -> str: ...
    @property
    def reason(self) -> str: ...


Event = TypeVar("Event", bound=Reported)
# Each person's events, by all the addresses that the person was reported under.
ByPerson = dict[tuple[str, ...], list[Event]]


class Tally(NamedTuple):
    """How many people it came how far with. `unnamed`: of some of them Z-API did not say who."""

    total: int
    delivered: int
    read: int
    played: int
    deepest: Status
    unnamed: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """`word` is a failure's reason, or the name of an unknown status.

    `tally` is there where several people were reached; `contradicted`: a failure was reported as
    well as a delivery.
    """

    status: Status
    word: str = ""
    contradicted: bool = False
    tally: Tally | None = None


def standing(events: Sequence[Event]) -> Standing:
    people = persons(events)
    if len(people) > 1 or is_shared(events):
        return _of_many(events, people)
    status = highest(events)
    failure = first_of(events, Status.FAILED)
    contradicted = failure is not None and status.rank > Status.FAILED.rank
    return Standing(status, _word(events, failure), contradicted)


def persons(events: Iterable[Event]) -> ByPerson[Event]:
    """Everyone that a step was reported of, in the order of their addresses.

    Numbers that differ by the ninth digit are one person; so are exactly one number and one LID on
    a message to one address. A group's own steps (dispatched, sent) are nobody's.
    """
    events = [event for event in events if status_of(event).rank]
    if is_shared(events):
        found = _grouped((event.participant, event) for event in events if _is_someones(event))
    else:
        found = _tied(_grouped((event.phone, event) for event in events))
    return dict(sorted(found.items()))


def is_shared(events: Iterable[Reported]) -> bool:
    """A group's, a list's or a channel's: one message, several people."""
    return any(event.participant or phones.kind_of(event.phone).is_of_many for event in events)


def highest(events: Iterable[Reported]) -> Status:
    return highest_of(status_of(event) for event in events)


def earliest(events: Iterable[Reported], status: Status) -> datetime | None:
    """The first time reported for a step; PENDING stands on the same rung as DISPATCHED."""
    first = first_of(events, status)
    return first.occurred_at if first else None


def first_of(events: Iterable[Event], status: Status) -> Event | None:
    same = [event for event in events if status_of(event).rank == status.rank]
    return min(same, key=lambda event: event.occurred_at, default=None)


def status_of(event: Reported) -> Status:
    return _STATUSES[event.status]


def _of_many(events: Sequence[Event], people: ByPerson[Event]) -> Standing:
    standings = {addresses: highest(theirs) for addresses, theirs in people.items()}
    reached = {key: at for key, at in standings.items() if at.rank >= Status.RECEIVED.rank}
    if not reached:
        return Standing(highest(events), _word(events, first_of(events, Status.FAILED)))
    tally = Tally(
        total=len(people),
        delivered=len(reached),
        read=sum(at.rank >= Status.READ.rank for at in reached.values()),
        played=sum(at is Status.PLAYED for at in reached.values()),
        deepest=max(reached.values(), key=lambda status: status.rank),
        unnamed=("",) in reached,
    )
    # The step that all of them reached: one reader must not turn the ticks of fourteen blue.
    shared_by_all = min(reached.values(), key=lambda status: status.rank)
    contradicted = any(first_of(people[key], Status.FAILED) for key in reached)
    return Standing(shared_by_all, contradicted=contradicted, tally=tally)


def _word(events: Sequence[Event], failure: Event | None) -> str:
    """Why it failed, or Z-API's own word for the newest status that we have no name for."""
    if failure:
        return failure.reason
    unknown = [event for event in events if status_of(event) is Status.UNKNOWN]
    newest = max(unknown, key=lambda event: event.occurred_at, default=None)
    return newest.raw_status if newest else ""


def _is_someones(event: Reported) -> bool:
    return bool(event.participant) or status_of(event).rank >= Status.RECEIVED.rank


def _grouped(pairs: Iterable[tuple[str, Event]]) -> ByPerson[Event]:
    # Each person's steps come under the same address nearly always.
    people: dict[str, str] = {}
    addresses: dict[str, set[str]] = defaultdict(set)
    events: dict[str, list[Event]] = defaultdict(list)
    for address, event in pairs:
        if address not in people:
            people[address] = phones.person(address)
            addresses[people[address]].add(address)
        events[people[address]].append(event)
    return {_ordered(addresses[key]): events[key] for key in events}


def _tied(by_person: ByPerson[Event]) -> ByPerson[Event]:
    """An absent address is nobody new, and the one LID beside the one number is the same person."""
    named = sorted((key for key in by_person if key != ("",)), key=_is_lid)
    is_pair = [_is_lid(key) for key in named] == [False, True]
    if len(named) != 1 and not is_pair:
        return by_person
    addresses = tuple(address for key in named for address in key)
    return {addresses: [event for events in by_person.values() for event in events]}


def _is_lid(addresses: tuple[str, ...]) -> bool:
    return phones.kind_of(addresses[0]) is AddressKind.LID


def _ordered(addresses: set[str]) -> tuple[str, ...]:
    """The form with the ninth digit first: it is the one that people know."""
    return tuple(sorted(addresses, key=lambda address: (-len(address), address)))
