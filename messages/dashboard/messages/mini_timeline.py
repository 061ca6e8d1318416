"""The steps of a message in one row of a list: a tick for each step, and the time between them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from messages.dashboard.shared.moments import Moment, between, duration
from messages.domain import render_context
from messages.domain.message_kinds import MessageKind
from messages.domain.statuses import Status
from messages.models import Message

_STEPS: Final = (Status.DISPATCHED, Status.SENT, Status.RECEIVED, Status.READ)
# Nothing is reported about a channel after SENT.
_STEPS_OF_CHANNEL: Final = _STEPS[:2]


class Mark(StrEnum):
    """How a step is drawn: the symbol's name in templates/_icons.svg."""

    REACHED = "reached"
    # A later step shows that this one happened too; its time was not reported.
    IMPLIED = "implied"
    MISSING = "missing"
    FAILED = "failed"


class Tick(NamedTuple):
    status: Status
    mark: Mark


@dataclass(frozen=True, slots=True)
class MiniTimeline:
    message: Message

    @property
    def ticks(self) -> tuple[Tick, ...]:
        """One tick for each step, with the failure in the place of the step that it prevented.

        Empty for messages that only we have read.
        """
        if not self.message.rank:
            return ()
        ticks = [Tick(step, self._mark(step)) for step in self._steps]
        if self.message.rank == Status.FAILED.rank:
            place = sum(tick.mark is not Mark.MISSING for tick in ticks[:-1])
            ticks[place] = Tick(Status.FAILED, Mark.FAILED)
        return tuple(ticks)

    @property
    def description(self) -> str:
        """The steps with their exact times: "Sent 29 Nov, 22:41:03 · Read 29 Nov, 22:45:10"."""
        return " · ".join(map(self._words, self._told))

    @property
    def durations(self) -> SafeString:
        """The times to the delivery and to the reading, in words; "" if none is known."""
        message = self.message
        started = message.sent_at or message.dispatched_at
        to_delivered = _gap(started, message.delivered_at)
        to_read = _gap(message.delivered_at or started, message.read_at)
        return _durations(
            render_context.language(), to_delivered, to_read, bool(message.delivered_at)
        )

    @property
    def _steps(self) -> tuple[Status, ...]:
        if self.message.kind is MessageKind.CHANNEL and self.message.rank <= Status.FAILED.rank:
            return _STEPS_OF_CHANNEL
        if self.message.rank == Status.PLAYED.rank:
            return (*_STEPS[:-1], Status.PLAYED)
        return _STEPS

    @property
    def _told(self) -> list[Tick]:
        return [tick for tick in self.ticks if tick.mark is not Mark.MISSING]

    def _mark(self, step: Status) -> Mark:
        if self._time_of(step):
            return Mark.REACHED
        return Mark.IMPLIED if step.rank < self._highest_rank else Mark.MISSING

    @property
    def _highest_rank(self) -> int:
        """The rank of the highest step reached. A failure implies no earlier step."""
        if self.message.rank != Status.FAILED.rank:
            return self.message.rank
        return Status.SENT.rank if self.message.sent_at else 0

    def _words(self, tick: Tick) -> str:
        at = self._time_of(tick.status)
        when = Moment(at).brief if at else _("time not reported")
        return f"{tick.status.label} {when}"

    def _time_of(self, status: Status) -> datetime | None:
        message = self.message
        times = {
            Status.DISPATCHED: message.dispatched_at,
            Status.SENT: message.sent_at,
            Status.FAILED: message.failed_at,
            Status.RECEIVED: message.delivered_at,
            Status.READ: message.read_at,
            Status.PLAYED: message.played_at,
        }
        return times[status]


def _gap(before: datetime | None, after: datetime | None) -> str:
    return duration(between(before, after)) if before and after and after >= before else ""


# Cached: many messages of a list take equally long.
@lru_cache(maxsize=1024)
def _durations(
    _language: str | None, to_delivered: str, to_read: str, has_delivery: bool
) -> SafeString:
    values = {"delivered": f"<b>{to_delivered}</b>", "read": f"<b>{to_read}</b>"}
    if to_delivered and to_read:
        words = _("Delivered in %(delivered)s, read %(read)s later")
    elif to_delivered:
        words = _("Delivered in %(delivered)s")
    elif to_read:
        words = _("Read %(read)s after delivery") if has_delivery else _("Read in %(read)s")
    else:
        words = ""
    return mark_safe(words % values)  # noqa: S308
