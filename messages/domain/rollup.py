"""A message's rollup: the summary derived from its events, used by pages and exports alike.

Pure functions. The order of the events does not matter. A message to several people is summarized
per person.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol, TypeVar

from messages.domain import addresses as phones
from messages.domain.addresses import AddressKind
from messages.domain.message_kinds import kind_of_addresses
from messages.domain.statuses import Status, highest

# A dict lookup is faster than Status(...). A large group needs thousands of lookups.
_STATUSES: dict[str, Status] = {status.value: status for status in Status}


class ReportedEvent(Protocol):
    """The attributes of a StatusEvent that this module reads."""

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


Event = TypeVar("Event", bound=ReportedEvent)
# The events of each person. The key holds all addresses that were reported for the person.
ByPerson = dict[tuple[str, ...], list[Event]]


class Tally(NamedTuple):
    """How many people a message reached. `unnamed`: Z-API did not name some of them."""

    total: int
    delivered: int
    read: int
    played: int
    deepest: Status
    unnamed: bool


@dataclass(frozen=True, slots=True)
class Rollup:
    """`detail` is the reason for a failure, or Z-API's name of an unknown status.

    `contradicted`: both a failure and a delivery were reported. `tally` is set if the message
    reached several people.
    """

    status: Status
    detail: str = ""
    contradicted: bool = False
    tally: Tally | None = None


def summarize(events: Sequence[Event]) -> Rollup:
    people = events_by_person(events)
    if len(people) > 1 or is_shared(events):
        return _summarize_many(events, people)
    status = highest_status(events)
    failure = first_event(events, Status.FAILED)
    contradicted = failure is not None and status.rank > Status.FAILED.rank
    return Rollup(status, _detail(events), contradicted)


def events_by_person(events: Iterable[Event]) -> ByPerson[Event]:
    """The events of each person, ordered by address.

    Two numbers that differ only by the ninth digit are one person. For a message to a single
    address, one number and one LID are one person too. The steps of a group itself (dispatched,
    sent) are left out.
    """
    events = [event for event in events if status_of(event).rank]
    if is_shared(events):
        found = _group_by_person(
            (_participant(event), event) for event in events if _has_person(event)
        )
        # For a list and our status, every person is reported. So a report without a person adds
        # nobody.
        if len(found) > 1 and kind_of_addresses(event.phone for event in events):
            found.pop(("",), None)
    else:
        found = _merge_aliases(_group_by_person((event.phone, event) for event in events))
    return dict(sorted(found.items()))


def is_shared(events: Iterable[ReportedEvent]) -> bool:
    """Whether the message went to a group, a list or a channel."""
    return any(
        event.participant or phones.kind_of(event.phone).has_many_recipients for event in events
    )


def highest_status(events: Iterable[ReportedEvent]) -> Status:
    return highest(status_of(event) for event in events)


def earliest(events: Iterable[ReportedEvent], status: Status) -> datetime | None:
    """The first time reported for a step. PENDING counts as DISPATCHED."""
    first = first_event(events, status)
    return first.occurred_at if first else None


def first_event(events: Iterable[Event], status: Status) -> Event | None:
    same = [event for event in events if status_of(event).rank == status.rank]
    return min(same, key=lambda event: event.occurred_at, default=None)


def kept_reason(events: Iterable[ReportedEvent]) -> str:
    """Of the reasons for failures, the one that ingest keeps too; "" if none was given."""
    reasons = {event.reason for event in events if status_of(event) is Status.FAILED} - {""}
    return min(reasons, default="")


def status_of(event: ReportedEvent) -> Status:
    return _STATUSES[event.status]


def _summarize_many(events: Sequence[Event], people: ByPerson[Event]) -> Rollup:
    reached_statuses = {addresses: highest_status(theirs) for addresses, theirs in people.items()}
    reached = {key: at for key, at in reached_statuses.items() if at.rank >= Status.RECEIVED.rank}
    if not reached:
        return Rollup(highest_status(events), _detail(events))
    tally = Tally(
        total=len(people),
        delivered=len(reached),
        read=sum(at.rank >= Status.READ.rank for at in reached.values()),
        played=sum(at is Status.PLAYED for at in reached.values()),
        deepest=max(reached.values(), key=lambda status: status.rank),
        unnamed=("",) in reached,
    )
    # The highest step that every person reached. A group message is not "read" if only one of the
    # members read it.
    shared_by_all = min(reached.values(), key=lambda status: status.rank)
    contradicted = any(first_event(people[key], Status.FAILED) for key in reached)
    return Rollup(shared_by_all, contradicted=contradicted, tally=tally)


def _detail(events: Sequence[Event]) -> str:
    """The reason for the failure, or Z-API's name of the newest unknown status."""
    if first_event(events, Status.FAILED):
        return kept_reason(events)
    unknown = [event for event in events if status_of(event) is Status.UNKNOWN]
    newest = max(unknown, key=lambda event: event.occurred_at, default=None)
    return newest.raw_status if newest else ""


def _participant(event: ReportedEvent) -> str:
    return "" if event.participant == event.phone else event.participant


def _has_person(event: ReportedEvent) -> bool:
    return bool(_participant(event)) or status_of(event).rank >= Status.RECEIVED.rank


def _group_by_person(pairs: Iterable[tuple[str, Event]]) -> ByPerson[Event]:
    # Nearly all events of a person have the same address, so each address is looked up once.
    people: dict[str, str] = {}
    addresses: dict[str, set[str]] = defaultdict(set)
    events: dict[str, list[Event]] = defaultdict(list)
    for address, event in pairs:
        if address not in people:
            people[address] = phones.person_key(address)
            addresses[people[address]].add(address)
        events[people[address]].append(event)
    return {_with_ninth_digit_first(addresses[key]): events[key] for key in events}


def _merge_aliases(by_person: ByPerson[Event]) -> ByPerson[Event]:
    """Merge one number and one LID into one person.

    Events without an address also belong to this person.
    """
    named = sorted((key for key in by_person if key != ("",)), key=_is_lid)
    is_pair = [_is_lid(key) for key in named] == [False, True]
    if len(named) != 1 and not is_pair:
        return by_person
    addresses = tuple(address for key in named for address in key)
    return {addresses: [event for events in by_person.values() for event in events]}


def _is_lid(addresses: tuple[str, ...]) -> bool:
    return phones.kind_of(addresses[0]) is AddressKind.LID


def _with_ninth_digit_first(addresses: set[str]) -> tuple[str, ...]:
    """The form with the ninth digit comes first, because people know that one."""
    return tuple(sorted(addresses, key=lambda address: (-len(address), address)))
