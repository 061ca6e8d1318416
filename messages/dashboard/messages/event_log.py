"""All events of a message in order, with flags for repeats and implausible times."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils.translation import ngettext

from messages.dashboard.shared.address_display import Address
from messages.dashboard.shared.moments import Moment, duration
from messages.domain import addresses
from messages.domain.rollup import is_shared
from messages.domain.statuses import Status
from messages.models import StatusEvent

from .timeline import Headline, headline_of

# The clocks of Z-API, WhatsApp and phones differ.
CLOCK_TOLERANCE: Final = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Entry:
    """One event and its flags.

    `copies` counts how often it was reported; `lag` is the time until it arrived. An event is out
    of order if a later step arrived before it. Its time is suspicious if it is missing, after the
    arrival, or before an earlier step.
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
        """The arrival time. It has no date if the event arrived on the day it happened."""
        is_same_day = self.arrived.day == self.occurred.day
        return self.arrived.clock if is_same_day else self.arrived.brief

    @property
    def lag_words(self) -> str:
        return "" if self.lag is None else duration(self.lag)

    @property
    def is_by_us(self) -> bool:
        return Status(self.event.status).is_by_me

    @property
    def is_unusual(self) -> bool:
        """Whether people should see the event although the steps already tell the story."""
        is_odd = Status(self.event.status) in {Status.FAILED, Status.UNKNOWN}
        return is_odd or self.is_out_of_order or self.is_suspicious

    @property
    def headline(self) -> Headline:
        status = Status(self.event.status)
        word = self.event.raw_status if status is Status.UNKNOWN else self.event.reason
        return headline_of(status, word)

    @property
    def address(self) -> Address:
        return Address(self.event.participant or self.event.phone)


class StepTimes:
    """The earliest arrival and the latest event time of each rank."""

    def __init__(self) -> None:
        self.first_arrival: dict[int, datetime] = {}
        self.last_time: dict[int, datetime] = {}

    def add(self, event: StatusEvent) -> None:
        rung = _rank(event)
        arrival, time = event.received_at, event.occurred_at
        self.first_arrival[rung] = min(self.first_arrival.get(rung, arrival), arrival)
        if not event.time_is_arrival:
            self.last_time[rung] = max(self.last_time.get(rung, time), time)

    def has_later_step_arrived_before(self, event: StatusEvent) -> bool:
        rung = _rank(event)
        later = [arrival for other, arrival in self.first_arrival.items() if other > rung > 0]
        return any(arrival < event.received_at for arrival in later)

    def has_earlier_step_after(self, event: StatusEvent) -> bool:
        rung = _rank(event)
        earlier = [time for other, time in self.last_time.items() if 0 < other < rung]
        return any(time > event.occurred_at + CLOCK_TOLERANCE for time in earlier)


def event_log(events: Sequence[StatusEvent]) -> tuple[Entry, ...]:
    """Oldest first; events of the same second by rank."""
    shared = is_shared(events)
    extremes: dict[str, StepTimes] = defaultdict(StepTimes)
    everyone = StepTimes()
    for event in events:
        extremes[_person(event, shared)].add(event)
        everyone.add(event)

    def comparable(event: StatusEvent) -> tuple[StepTimes, ...]:
        """The step times that an event is compared with.

        In a group: those of its participant, and those of events without a participant. An event
        without a participant is compared with all.
        """
        person = _person(event, shared)
        return (extremes[person], extremes[""]) if person else (everyone,)

    in_order = sorted(events, key=lambda e: (e.occurred_at, Status(e.status).rank, e.received_at))
    return tuple(_entry(event, comparable(event)) for event in in_order)


def event_summary(entries: Sequence[Entry]) -> str:
    """What was reported, in a few words: "2 events: Sent, Delivered"."""
    counts = Counter(entry.headline.words for entry in entries)
    names = [f"{words} ×{count}" if count > 1 else words for words, count in counts.items()]
    text = ngettext("%(count)d event: %(names)s", "%(count)d events: %(names)s", len(entries))
    return text % {"count": len(entries), "names": ", ".join(names)}


def _entry(event: StatusEvent, extremes: Sequence[StepTimes]) -> Entry:
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
    return addresses.person_key(event.participant) if shared and event.participant else ""


def _rank(event: StatusEvent) -> int:
    """The status's rank; 0 for a failure, which may happen at any time."""
    status = Status(event.status)
    return 0 if status is Status.FAILED else status.rank
