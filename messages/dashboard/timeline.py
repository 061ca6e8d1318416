"""What a message's events say: to whom, how far, when, and what is odd about it.

Pure functions over StatusEvents, in any order. A message's headline comes from here and nowhere
else: the highest rank, per person wherever there is more than one.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from messages import phones
from messages.models import StatusEvent
from messages.phones import AddressKind
from messages.statuses import LADDER, Status
from messages.statuses import highest as highest_of

from .addresses import Address
from .moments import Moment, between, duration, moment

_SEVERAL = {AddressKind.GROUP, AddressKind.BROADCAST}
_TALLY_WORDS: Final = {
    ("group", Status.RECEIVED): gettext_lazy("Delivered to %(delivered)d"),
    ("group", Status.READ): gettext_lazy("Delivered to %(delivered)d, read by %(read)d"),
    ("group", Status.PLAYED): gettext_lazy(
        "Delivered to %(delivered)d, read by %(read)d, played by %(played)d"
    ),
    ("unnamed", Status.RECEIVED): gettext_lazy("Delivered to at least %(delivered)d"),
    ("unnamed", Status.READ): gettext_lazy(
        "Delivered to at least %(delivered)d, read by at least %(read)d"
    ),
    ("unnamed", Status.PLAYED): gettext_lazy(
        "Delivered to at least %(delivered)d, read by at least %(read)d,"
        " played by at least %(played)d"
    ),
    ("addresses", Status.RECEIVED): gettext_lazy("Delivered to %(delivered)d of %(total)d"),
    ("addresses", Status.READ): gettext_lazy(
        "Delivered to %(delivered)d of %(total)d, read by %(read)d"
    ),
    ("addresses", Status.PLAYED): gettext_lazy(
        "Delivered to %(delivered)d of %(total)d, read by %(read)d, played by %(played)d"
    ),
}


@dataclass(frozen=True, slots=True)
class Headline:
    """`contradicted`: a failure was reported as well as a delivery."""

    status: Status
    words: str
    contradicted: bool = False


@dataclass(frozen=True, slots=True)
class Recipient:
    """One person, under every address they were reported by; '' is a participant left unnamed."""

    addresses: tuple[str, ...]
    events: tuple[StatusEvent, ...]

    @property
    def status(self) -> Status:
        return highest(self.events)

    @property
    def names(self) -> list[Address]:
        return [Address(address) for address in self.addresses]

    @property
    def failure(self) -> StatusEvent | None:
        return first_of(self.events, Status.FAILED)

    @property
    def headline(self) -> Headline:
        contradicted = self.failure is not None and self.status.rank > Status.FAILED.rank
        word = self.failure.reason if self.failure else ""
        return headline_of(self.status, word, contradicted=contradicted)

    @property
    def delivered(self) -> Moment | None:
        return moment(earliest(self.events, Status.RECEIVED))

    @property
    def read(self) -> Moment | None:
        return moment(earliest(self.events, Status.READ))

    @property
    def played(self) -> Moment | None:
        return moment(earliest(self.events, Status.PLAYED))


@dataclass(frozen=True, slots=True)
class Step:
    """A rung of the ladder. Reached without a report of its own it is implied by a later one."""

    status: Status
    is_reached: bool
    at: datetime | None = None
    gap: timedelta | None = None
    people: int | None = None

    @property
    def is_implied(self) -> bool:
        return self.is_reached and self.at is None

    @property
    def moment(self) -> Moment | None:
        return moment(self.at)

    @property
    def gap_words(self) -> str:
        return "" if self.gap is None else duration(self.gap)


def headline(events: Sequence[StatusEvent]) -> Headline:
    people = recipients(events)
    if len(people) > 1 or is_shared(events):
        return _headline_of_many(events, people)
    status = highest(events)
    failure = first_of(events, Status.FAILED)
    word = failure.reason if failure else _unknown_word(events)
    contradicted = failure is not None and status.rank > Status.FAILED.rank
    return headline_of(status, word, contradicted=contradicted)


def headline_of(status: Status, word: str = "", *, contradicted: bool = False) -> Headline:
    """Word a single status; `word` is a failure's reason, or the name of an unknown status."""
    if status is Status.FAILED and word:
        return Headline(status, _("Failed: %(reason)s") % {"reason": word})
    if status is Status.UNKNOWN and word:
        return Headline(status, word)
    return Headline(status, str(status.label), contradicted)


def highest(events: Iterable[StatusEvent]) -> Status:
    return highest_of(_status(event) for event in events)


def recipients(events: Iterable[StatusEvent]) -> tuple[Recipient, ...]:
    """Everyone that a step was reported of, in the order of their addresses.

    Numbers that differ by the ninth digit are one person; so are exactly one number and one LID on
    a message to one address. A group's own steps (accepted, sent) are nobody's.
    """
    events = [event for event in events if _status(event).rank]
    if is_shared(events):
        by_person = _grouped((event.participant, event) for event in events if _is_someones(event))
    else:
        by_person = _tied(_grouped((event.phone, event) for event in events))
    return tuple(
        Recipient(addresses, tuple(theirs)) for addresses, theirs in sorted(by_person.items())
    )


def is_shared(events: Iterable[StatusEvent]) -> bool:
    """A group's or a broadcast's: one message, several people."""
    return any(event.participant or phones.kind_of(event.phone) in _SEVERAL for event in events)


def steps(events: Sequence[StatusEvent]) -> tuple[Step, ...]:
    """The ladder as far as it was climbed, or as far as a failure let it be."""
    people = recipients(events) if is_shared(events) else ()
    # A failure implies nothing: Z-API may refuse a message without ever having sent it.
    statuses = {_status(event) for event in events} - {Status.FAILED}
    climbed = max((status.rank for status in statuses), default=0)
    found: list[Step] = []
    before: datetime | None = None
    for rung in LADDER:
        at = earliest(events, rung)
        gap = between(before, at) if at and before and at >= before else None
        count = sum(person.status.rank >= rung.rank for person in people)
        is_countable = bool(people) and rung.rank >= Status.RECEIVED.rank
        found.append(Step(rung, climbed >= rung.rank, at, gap, count if is_countable else None))
        before = at or before
    if highest(events) is Status.FAILED:
        # In the place of the step that it kept from happening.
        place = sum(step.is_reached for step in found)
        found[place] = Step(Status.FAILED, True, earliest(events, Status.FAILED))
    return tuple(found)


def by_us(events: Iterable[StatusEvent]) -> StatusEvent | None:
    """The first time that the connected account itself read or played it."""
    ours = [event for event in events if _status(event).is_by_me]
    return min(ours, key=lambda event: event.occurred_at, default=None)


def earliest(events: Iterable[StatusEvent], status: Status) -> datetime | None:
    """The first time reported for a step; PENDING stands on the same rung as ACCEPTED."""
    first = first_of(events, status)
    return first.occurred_at if first else None


def first_of(events: Iterable[StatusEvent], status: Status) -> StatusEvent | None:
    same = [event for event in events if _status(event).rank == status.rank]
    return min(same, key=lambda event: event.occurred_at, default=None)


def _headline_of_many(events: Sequence[StatusEvent], people: Sequence[Recipient]) -> Headline:
    reached = [person for person in people if person.status.rank >= Status.RECEIVED.rank]
    if not reached:
        failure = first_of(events, Status.FAILED)
        return headline_of(highest(events), failure.reason if failure else _unknown_word(events))
    counts = {
        "total": len(people),
        "delivered": len(reached),
        "read": sum(person.status.rank >= Status.READ.rank for person in reached),
        "played": sum(person.status is Status.PLAYED for person in reached),
    }
    deepest = max((person.status for person in reached), key=lambda status: status.rank)
    # The step that all of them reached: one reader must not turn the ticks of fourteen blue.
    shared_by_all = min((person.status for person in reached), key=lambda status: status.rank)
    words = str(_TALLY_WORDS[_kind_of_tally(events, reached), deepest]) % counts
    return Headline(shared_by_all, words, any(person.failure for person in reached))


def _kind_of_tally(events: Sequence[StatusEvent], reached: Sequence[Recipient]) -> str:
    if not is_shared(events):
        return "addresses"
    return "unnamed" if any(person.addresses == ("",) for person in reached) else "group"


def _unknown_word(events: Sequence[StatusEvent]) -> str:
    """Z-API's own word for the newest status that we have no name for."""
    unknown = [event for event in events if _status(event) is Status.UNKNOWN]
    newest = max(unknown, key=lambda event: event.occurred_at, default=None)
    return newest.raw_status if newest else ""


def _is_someones(event: StatusEvent) -> bool:
    return bool(event.participant) or _status(event).rank >= Status.RECEIVED.rank


_ByPerson = dict[tuple[str, ...], list[StatusEvent]]


def _grouped(pairs: Iterable[tuple[str, StatusEvent]]) -> _ByPerson:
    """Events by person, keyed by all the addresses that the person was reported under."""
    addresses: dict[str, set[str]] = defaultdict(set)
    events: dict[str, list[StatusEvent]] = defaultdict(list)
    for address, event in pairs:
        key = phones.person(address)
        addresses[key].add(address)
        events[key].append(event)
    return {_ordered(addresses[key]): events[key] for key in events}


def _tied(by_person: _ByPerson) -> _ByPerson:
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


def _status(event: StatusEvent) -> Status:
    return Status(event.status)
