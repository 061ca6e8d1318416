"""The steps of a message in one row of a list: a tick for each step, and the time between them."""

from datetime import datetime
from enum import StrEnum
from functools import cache, lru_cache
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
# The fields with the times of the steps.
_TIMES: Final = {
    Status.DISPATCHED: "dispatched_at",
    Status.SENT: "sent_at",
    Status.FAILED: "failed_at",
    Status.RECEIVED: "delivered_at",
    Status.READ: "read_at",
    Status.PLAYED: "played_at",
}


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


class MiniTimeline:
    def __init__(self, message: Message) -> None:
        self._message = message
        self._times: dict[Status, datetime] = {
            status: at for status, name in _TIMES.items() if (at := getattr(message, name))
        }
        self.ticks = _ticks(message.rank, message.kind is MessageKind.CHANNEL, tuple(self._times))

    @property
    def description(self) -> str:
        """The steps with their exact times: "Sent 29 Nov, 22:41:03 · Read 29 Nov, 22:45:10"."""
        return " · ".join(self._words(one) for one in self.ticks if one.mark is not Mark.MISSING)

    @property
    def durations(self) -> SafeString:
        """The times to the delivery and to the reading, in words; "" if none is known."""
        message = self._message
        started = message.sent_at or message.dispatched_at
        to_delivered = _gap(started, message.delivered_at)
        to_read = _gap(message.delivered_at or started, message.read_at)
        return _durations(
            render_context.language(), to_delivered, to_read, bool(message.delivered_at)
        )

    def _words(self, tick: Tick) -> str:
        before, unknown = _step_words(render_context.language(), tick.status)
        at = self._times.get(tick.status)
        return f"{before} {Moment(at).brief if at else unknown}"


# Cached: a list has few different ones.
@lru_cache(maxsize=512)
def _ticks(rank: int, is_channel: bool, reported: tuple[Status, ...]) -> tuple[Tick, ...]:
    """One tick for each step, with the failure in the place of the step that it prevented.

    Empty for messages that only we have read.
    """
    if not rank:
        return ()
    has_failed = rank == Status.FAILED.rank
    # A failure implies no earlier step.
    sent = Status.SENT.rank if Status.SENT in reported else 0
    highest = sent if has_failed else rank
    ticks = [Tick(step, _mark(step, highest, reported)) for step in _steps(rank, is_channel)]
    if has_failed:
        place = sum(tick.mark is not Mark.MISSING for tick in ticks[:-1])
        ticks[place] = Tick(Status.FAILED, Mark.FAILED)
    return tuple(ticks)


def _steps(rank: int, is_channel: bool) -> tuple[Status, ...]:
    if is_channel and rank <= Status.FAILED.rank:
        return _STEPS_OF_CHANNEL
    return (*_STEPS[:-1], Status.PLAYED) if rank == Status.PLAYED.rank else _STEPS


def _mark(step: Status, highest_rank: int, reported: tuple[Status, ...]) -> Mark:
    if step in reported:
        return Mark.REACHED
    return Mark.IMPLIED if step.rank < highest_rank else Mark.MISSING


@cache
def _step_words(_language: str | None, status: Status) -> tuple[str, str]:
    return str(status.label), _("time not reported")


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
