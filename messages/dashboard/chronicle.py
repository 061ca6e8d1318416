"""Every event of a message in the order it happened, with what is odd about each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from messages import phones
from messages.models import StatusEvent
from messages.statuses import Status

from .addresses import Address
from .moments import Moment, duration
from .timeline import Headline, headline_of, is_shared

# Z-API's clock, WhatsApp's and a phone's are not the same one.
CLOCK_TOLERANCE: Final = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Entry:
    """`copies`: how often it came in all. `lag`: from its own time to its arrival."""

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


def chronicle(events: Sequence[StatusEvent]) -> tuple[Entry, ...]:
    """Oldest first; events of the same second in the order of the ladder."""
    in_order = sorted(events, key=lambda e: (e.occurred_at, Status(e.status).rank, e.received_at))
    shared = is_shared(events)
    return tuple(_entry(event, _of_same_person(event, events, shared)) for event in in_order)


def _entry(event: StatusEvent, theirs: Sequence[StatusEvent]) -> Entry:
    delay = event.received_at - event.occurred_at
    return Entry(
        event,
        copies=event.repeats + 1,
        lag=None if event.time_is_arrival or delay < timedelta(0) else delay,
        is_out_of_order=_is_out_of_order(event, theirs),
        is_suspicious=_is_suspicious(event, theirs),
    )


def _of_same_person(
    event: StatusEvent, events: Iterable[StatusEvent], shared: bool
) -> list[StatusEvent]:
    """What the event may be compared with: in a group, its participant's events and nobody's."""
    if not shared or not event.participant:
        return list(events)
    return [
        other
        for other in events
        if not other.participant or phones.same_person(other.participant, event.participant)
    ]


def _is_out_of_order(event: StatusEvent, theirs: Iterable[StatusEvent]) -> bool:
    """A later step had arrived before it."""
    return any(
        other.received_at < event.received_at for other in theirs if _rung(other) > _rung(event) > 0
    )


def _is_suspicious(event: StatusEvent, theirs: Iterable[StatusEvent]) -> bool:
    """Its time is missing, lies after its arrival, or before a step that must have come first."""
    if event.time_is_arrival or event.occurred_at > event.received_at + CLOCK_TOLERANCE:
        return True
    return any(
        other.occurred_at > event.occurred_at + CLOCK_TOLERANCE
        for other in theirs
        if 0 < _rung(other) < _rung(event)
    )


def _rung(event: StatusEvent) -> int:
    """The rank on the ladder. A failure has no place on it: it may come at any time."""
    status = Status(event.status)
    return 0 if status is Status.FAILED else status.rank
