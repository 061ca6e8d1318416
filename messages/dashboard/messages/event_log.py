"""Every event of a message in the order it happened, with what is odd about each."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from messages.dashboard.shared.address_display import Address
from messages.dashboard.shared.moments import Moment, duration
from messages.domain import addresses
from messages.domain.rollup import is_shared
from messages.domain.statuses import Status
from messages.models import StatusEvent

from .timeline import Headline, headline_of

# Z-API's clock, WhatsApp's and a phone's are not the same one.
CLOCK_TOLERANCE: Final = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Entry:
    """One event, and what is odd about it.

    `copies` is how often it came in all, `lag` how long from its own time to its arrival. An
    event is out of order if a later step arrived before it. A suspicious time is missing, or lies
    after its arrival, or before a step that must have come first.
    """

    event: StatusEvent
    copies: int
    lag: timedelta | None
    is_out_of_order: bool
    is_suspicious: bool

    @property
    def occurred(self) -> Moment:
        return Moment(self.event.occurred_at)

    @property
    def arrived(self) -> Moment:
        return Moment(self.event.received_at)

    @property
    def arrived_words(self) -> str:
        """The clock alone, where it came on the day that it happened on."""
        is_same_day = self.arrived.day == self.occurred.day
        return self.arrived.clock if is_same_day else self.arrived.brief

    @property
    def lag_words(self) -> str:
        return "" if self.lag is None else duration(self.lag)

    @property
    def is_by_us(self) -> bool:
        return Status(self.event.status).is_by_me

    @property
    def headline(self) -> Headline:
        status = Status(self.event.status)
        word = self.event.raw_status if status is Status.UNKNOWN else self.event.reason
        return headline_of(status, word)

    @property
    def address(self) -> Address:
        return Address(self.event.participant or self.event.phone)


class Extremes:
    """For each rung of some events, the earliest arrival and the latest time of its own."""

    def __init__(self) -> None:
        self.first_arrival: dict[int, datetime] = {}
        self.last_time: dict[int, datetime] = {}

    def add(self, event: StatusEvent) -> None:
        rung = _rung(event)
        arrival, time = event.received_at, event.occurred_at
        self.first_arrival[rung] = min(self.first_arrival.get(rung, arrival), arrival)
        if not event.time_is_arrival:
            self.last_time[rung] = max(self.last_time.get(rung, time), time)

    def has_later_step_arrived_before(self, event: StatusEvent) -> bool:
        rung = _rung(event)
        later = [arrival for other, arrival in self.first_arrival.items() if other > rung > 0]
        return any(arrival < event.received_at for arrival in later)

    def has_earlier_step_after(self, event: StatusEvent) -> bool:
        rung = _rung(event)
        earlier = [time for other, time in self.last_time.items() if 0 < other < rung]
        return any(time > event.occurred_at + CLOCK_TOLERANCE for time in earlier)


def event_log(events: Sequence[StatusEvent]) -> tuple[Entry, ...]:
    """Oldest first; events of the same second in the order of the ladder."""
    shared = is_shared(events)
    extremes: dict[str, Extremes] = defaultdict(Extremes)
    everyones = Extremes()
    for event in events:
        extremes[_person(event, shared)].add(event)
        everyones.add(event)

    def comparable(event: StatusEvent) -> tuple[Extremes, ...]:
        """In a group: a participant's own events and nobody's; for nobody's, all."""
        person = _person(event, shared)
        return (extremes[person], extremes[""]) if person else (everyones,)

    in_order = sorted(events, key=lambda e: (e.occurred_at, Status(e.status).rank, e.received_at))
    return tuple(_entry(event, comparable(event)) for event in in_order)


def _entry(event: StatusEvent, extremes: Sequence[Extremes]) -> Entry:
    delay = event.received_at - event.occurred_at
    return Entry(
        event,
        copies=event.repeats + 1,
        lag=None if event.time_is_arrival or delay < timedelta(0) else delay,
        is_out_of_order=any(one.has_later_step_arrived_before(event) for one in extremes),
        is_suspicious=event.time_is_arrival
        or event.occurred_at > event.received_at + CLOCK_TOLERANCE
        or any(one.has_earlier_step_after(event) for one in extremes),
    )


def _person(event: StatusEvent, shared: bool) -> str:
    return addresses.person(event.participant) if shared and event.participant else ""


def _rung(event: StatusEvent) -> int:
    """The rank on the ladder. A failure has no place on it: it may come at any time."""
    status = Status(event.status)
    return 0 if status is Status.FAILED else status.rank
