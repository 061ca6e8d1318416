"""A message's headline, recipients and steps, derived from its events.

Pure functions over StatusEvents in any order. Only this module writes the text of a headline.
messages.domain.rollup decides which status it shows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from math import log2
from typing import Final

from django.utils.translation import gettext_lazy

from messages.dashboard.shared.address_display import Address
from messages.dashboard.shared.moments import Moment, between, duration, moment
from messages.domain import render_context
from messages.domain.failures import failure_text
from messages.domain.message_kinds import MessageKind, kind_of_addresses
from messages.domain.rollup import (
    ReportedEvent,
    Tally,
    earliest,
    events_by_person,
    first_event,
    highest_status,
    is_shared,
    kept_reason,
    status_of,
    summarize,
)
from messages.domain.statuses import LADDER, Status
from messages.models import StatusEvent

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
    ("list", Status.RECEIVED): gettext_lazy("Delivered to %(delivered)d of %(total)d reported"),
    ("list", Status.READ): gettext_lazy(
        "Delivered to %(delivered)d of %(total)d reported, read by %(read)d"
    ),
    ("list", Status.PLAYED): gettext_lazy(
        "Delivered to %(delivered)d of %(total)d reported, read by %(read)d, played by %(played)d"
    ),
    ("status", Status.RECEIVED): gettext_lazy("Delivered to %(delivered)d"),
    ("status", Status.READ): gettext_lazy("Seen by %(read)d"),
    ("status", Status.PLAYED): gettext_lazy("Seen by %(read)d"),
    ("addresses", Status.RECEIVED): gettext_lazy("Delivered to %(delivered)d of %(total)d"),
    ("addresses", Status.READ): gettext_lazy(
        "Delivered to %(delivered)d of %(total)d, read by %(read)d"
    ),
    ("addresses", Status.PLAYED): gettext_lazy(
        "Delivered to %(delivered)d of %(total)d, read by %(read)d, played by %(played)d"
    ),
}
MAX_STRETCH: Final = 9


@dataclass(frozen=True, slots=True)
class Headline:
    """`contradicted`: both a failure and a delivery were reported.

    `reason` says why a message failed, `raw` in Z-API's own words.
    """

    status: Status
    words: str
    contradicted: bool = False
    reason: str = ""
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Recipient:
    """One person and all addresses that were reported for them.

    The address "" means that the participant is unknown. `known_as` is the number of a LID, known
    from another message; "" if there is none.
    """

    addresses: tuple[str, ...]
    events: tuple[StatusEvent, ...]
    known_as: str = ""

    @property
    def status(self) -> Status:
        return highest_status(self.events)

    @property
    def names(self) -> list[Address]:
        known = (self.known_as,) if self.known_as else ()
        return [Address(address) for address in (*known, *self.addresses)]

    @property
    def headline(self) -> Headline:
        has_failed = first_event(self.events, Status.FAILED) is not None
        contradicted = has_failed and self.status.rank > Status.FAILED.rank
        return headline_of(self.status, kept_reason(self.events), contradicted=contradicted)

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
    """One step of the delivery. A reached step without its own event is implied by a later one."""

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

    @property
    def stretch(self) -> int:
        """The length of the line that leads to this step, from 0 to MAX_STRETCH.

        It grows with the logarithm of the time: 3 seconds are 1, a minute is 3, an hour is 6.
        """
        seconds = self.gap.total_seconds() if self.gap else 0
        return min(MAX_STRETCH, round(log2(1 + seconds) / 2))


def headline(events: Sequence[ReportedEvent]) -> Headline:
    found = summarize(events)
    if found.tally is None:
        return headline_of(found.status, found.detail, contradicted=found.contradicted)
    kind = _kind_of_tally(events, found.tally)
    words = str(_TALLY_WORDS[kind, found.tally.deepest]) % found.tally._asdict()
    return Headline(found.status, words, found.contradicted)


def headline_of(status: Status, word: str = "", *, contradicted: bool = False) -> Headline:
    """`word` is the reason of a failure, or the name of an unknown status."""
    if status is Status.FAILED:
        return Headline(status, str(status.label), reason=failure_text(word), raw=word)
    if status is Status.UNKNOWN and word:
        return Headline(status, word)
    return _label_headline(render_context.language(), status, contradicted)


@cache
def _label_headline(_language: str | None, status: Status, contradicted: bool) -> Headline:
    return Headline(status, str(status.label), contradicted)


def recipients(events: Iterable[StatusEvent]) -> tuple[Recipient, ...]:
    return tuple(Recipient(who, tuple(theirs)) for who, theirs in events_by_person(events).items())


def steps(events: Sequence[StatusEvent]) -> tuple[Step, ...]:
    """All steps, with the failure in the place of the step that it prevented."""
    people = recipients(events) if is_shared(events) else ()
    # Left out: a failure does not show that earlier steps happened. Z-API may refuse a
    # message before it sends it.
    statuses = {status_of(event) for event in events} - {Status.FAILED}
    max_rank = max((status.rank for status in statuses), default=0)
    found: list[Step] = []
    before: datetime | None = None
    for rung in _ladder(events, max_rank):
        at = earliest(events, rung)
        gap = between(before, at) if at and before and at >= before else None
        count = sum(person.status.rank >= rung.rank for person in people)
        is_countable = bool(people) and rung.rank >= Status.RECEIVED.rank
        found.append(Step(rung, max_rank >= rung.rank, at, gap, count if is_countable else None))
        before = at or before
    if highest_status(events) is Status.FAILED:
        place = sum(step.is_reached for step in found)
        found[place] = Step(Status.FAILED, True, earliest(events, Status.FAILED))
    return tuple(found)


def _ladder(events: Iterable[StatusEvent], max_rank: int) -> Sequence[Status]:
    """The steps to expect, and those that were reported.

    Nothing is reported about a channel after SENT. Only audio and video are played, and Z-API does
    not say what a message is.
    """
    is_channel = kind_of_addresses(event.phone for event in events) is MessageKind.CHANNEL
    expected = Status.SENT if is_channel else Status.READ
    return [rung for rung in LADDER if rung.rank <= max(max_rank, expected.rank)]


def by_us(events: Iterable[StatusEvent]) -> StatusEvent | None:
    """The first event in which the connected account itself read or played the message."""
    ours = [event for event in events if status_of(event).is_by_me]
    return min(ours, key=lambda event: event.occurred_at, default=None)


def _kind_of_tally(events: Sequence[ReportedEvent], tally: Tally) -> str:
    if not is_shared(events):
        return "addresses"
    kind = kind_of_addresses(event.phone for event in events)
    if tally.unnamed:
        return "unnamed"
    return kind.value if kind in (MessageKind.LIST, MessageKind.STATUS) else "group"
