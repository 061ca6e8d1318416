"""A message's status in full sentences, for support to copy."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from messages.answers import Response
from messages.dashboard.shared.moments import Moment, between, duration
from messages.domain.failures import failure_text, find_failure
from messages.domain.message_kinds import MessageKind, kind_of_addresses
from messages.domain.rollup import (
    events_by_person,
    first_event,
    highest_status,
    is_shared,
    kept_reason,
)
from messages.domain.statuses import Status
from messages.models import StatusEvent

from .timeline import Headline, by_us, headline


def sentence(
    events: Sequence[StatusEvent], stuck_for: str = "", response: Response | None = None
) -> str:
    """`stuck_for`: how long the message has been stuck, in words, or "".

    An answer replaces "No read confirmation", because it proves more.
    """
    has_many_recipients = len(events_by_person(events)) > 1 or is_shared(events)
    sentences = list(_of_many(events) if has_many_recipients else _of_one(events))
    if response:
        unread = _("No read confirmation.")
        kept = [one for one in sentences if one != unread or not response.answered_at]
        sentences = [*kept, *_responses(events, response)]
    if stuck_for:
        sentences.append(
            _("Not delivered after %(length)s, which is longer than usual.") % {"length": stuck_for}
        )
    return " ".join(sentences)


def why_no_read(found: Headline, *, is_answered: bool = False, receipts_off: bool = False) -> str:
    """What a missing read confirmation means; "" if it is not missing, or an answer proves more.

    `receipts_off`: the read receipts of our own number seem to be off.
    """
    if found.status is not Status.RECEIVED or is_answered:
        return ""
    if receipts_off:
        return _(
            "Read receipts of this number seem to be off, so no read confirmation is expected."
        )
    return _("It may have been read anyway: the contact can turn read receipts off.")


def _responses(events: Sequence[StatusEvent], response: Response) -> Iterator[str]:
    step = first_event(events, Status.RECEIVED) or first_event(events, Status.SENT)
    before = step.occurred_at if step else None
    if response.answered_at and response.kind:
        yield _response(str(response.kind.label), response.answered_at, before)
    if response.wrote_at and response.wrote_at != response.answered_at:
        yield _response(_("Wrote to us"), response.wrote_at, before)


def _response(what: str, at: datetime, before: datetime | None) -> str:
    """What the contact did, with the time since delivery or sending."""
    values = {"what": what, "day": Moment(at).day, "time": Moment(at).clock}
    if before is None or at < before:
        return _("%(what)s on %(day)s at %(time)s.") % values
    values["gap"] = duration(between(before, at))
    return _("%(what)s on %(day)s at %(time)s, %(gap)s later.") % values


def _of_one(events: Sequence[StatusEvent]) -> Iterator[str]:
    status = highest_status(events)
    if status.rank >= Status.RECEIVED.rank:
        yield from _from_delivery(events, status)
    else:
        yield _before_delivery(events, status)
        if status is Status.FAILED:
            yield _why_failed(events)
    decisive = first_event(events, status) if status.rank else None
    if decisive and decisive.time_is_arrival:
        yield _("Z-API reported no valid time. The time shown is the arrival time.")


def _from_delivery(events: Sequence[StatusEvent], status: Status) -> Iterator[str]:
    """One sentence for each reported step from delivery on."""
    delivered, read = first_event(events, Status.RECEIVED), first_event(events, Status.READ)
    played, failed = first_event(events, Status.PLAYED), first_event(events, Status.FAILED)
    if delivered:
        yield _delivered(events, delivered)
    if read:
        yield _read(read, delivered)
    if played:
        yield _played(played, read or delivered)
    if not delivered:
        yield _("It was delivered earlier; time not reported.")
    if status is Status.RECEIVED:
        yield _("No read confirmation.")
    if failed:
        yield _("A failure was also reported on %(day)s at %(time)s.") % _when(failed)
        yield _why_failed(events)


def _delivered(events: Sequence[StatusEvent], delivered: StatusEvent) -> str:
    if gap := _gap(first_event(events, Status.SENT), delivered):
        text = _("Delivered on %(day)s at %(time)s, %(gap)s after sending.")
    elif gap := _gap(first_event(events, Status.DISPATCHED), delivered):
        text = _("Delivered on %(day)s at %(time)s, %(gap)s after Z-API dispatched it.")
    else:
        text = _("Delivered on %(day)s at %(time)s.")
    return text % _when(delivered, gap=gap)


def _read(read: StatusEvent, delivered: StatusEvent | None) -> str:
    gap = _gap(delivered, read)
    if gap:
        text = _("Read on %(day)s at %(time)s, %(gap)s after delivery.")
    elif delivered and _is_before(read, delivered):
        text = _(
            "Read on %(day)s at %(time)s (the read report arrived before the delivery report)."
        )
    else:
        text = _("Read on %(day)s at %(time)s.")
    return text % _when(read, gap=gap)


def _played(played: StatusEvent, before: StatusEvent | None) -> str:
    """The gap is the time since the previous reported step, as in the list of steps on the page."""
    gap = _gap(before, played)
    if not gap or before is None:
        text = _("Played on %(day)s at %(time)s.")
    elif before.status == Status.READ:
        text = _("Played on %(day)s at %(time)s, %(gap)s after it was read.")
    else:
        text = _("Played on %(day)s at %(time)s, %(gap)s after delivery.")
    return text % _when(played, gap=gap)


def _before_delivery(events: Sequence[StatusEvent], status: Status) -> str:
    if status.rank == 0:
        return _without_rank(events, status)
    event = first_event(events, status)
    if event is None:  # impossible: the status comes from the events
        raise LookupError(status)
    text = {
        Status.FAILED: _("Failed on %(day)s at %(time)s."),
        Status.SENT: _("Sent on %(day)s at %(time)s. No delivery confirmation."),
        Status.DISPATCHED: _(
            "Dispatched by Z-API on %(day)s at %(time)s. WhatsApp has not confirmed sending it."
        ),
    }[status]
    return text % _when(event)


def _why_failed(events: Sequence[StatusEvent]) -> str:
    reason = kept_reason(events)
    if not reason or find_failure(reason):
        return failure_text(reason)
    return _("Z-API gave this reason: %(reason)s.") % {"reason": reason.rstrip(".")}


def _without_rank(events: Sequence[StatusEvent], status: Status) -> str:
    ours = by_us(events)
    if status.is_by_me and ours:
        if ours.status == Status.PLAYED_BY_ME:
            text = _("Message from the customer; your team played it on %(day)s at %(time)s.")
        else:
            text = _("Message from the customer; your team read it on %(day)s at %(time)s.")
        says_nothing = _("This does not tell you whether the customer read anything.")
        return f"{text % _when(ours)} {says_nothing}"
    newest = max(events, key=lambda event: event.occurred_at, default=None)
    if newest is None:
        return _("No status reported yet.")
    text = _("Z-API reported an unknown status, “%(word)s”, on %(day)s at %(time)s.")
    return text % (_when(newest) | {"word": newest.raw_status})


def _of_many(events: Sequence[StatusEvent]) -> Iterator[str]:
    found = headline(events)
    newest = max(events, key=lambda event: event.occurred_at)
    yield _("%(words)s.") % {"words": found.words.rstrip(".")}
    if found.status is Status.FAILED:
        yield _why_failed(events)
    if found.status is Status.RECEIVED and not first_event(events, Status.READ):
        yield _("No read confirmation.")
    if kind_of_addresses(event.phone for event in events) is MessageKind.CHANNEL:
        yield _("WhatsApp reports no deliveries for channels.")
    yield _("Last update on %(day)s at %(time)s.") % _when(newest)


def _gap(before: StatusEvent | None, after: StatusEvent) -> str:
    """The time between two steps; "" if it is unknown or negative."""
    if before is None or not _are_comparable(before, after):
        return ""
    gap = between(before.occurred_at, after.occurred_at)
    return duration(gap) if gap > -timedelta(seconds=1) else ""


def _is_before(event: StatusEvent, other: StatusEvent) -> bool:
    is_earlier = between(other.occurred_at, event.occurred_at) < timedelta()
    return is_earlier and _are_comparable(event, other)


def _are_comparable(event: StatusEvent, other: StatusEvent) -> bool:
    """Whether both times are by Z-API's clock."""
    return not (event.time_is_arrival or other.time_is_arrival)


def _when(event: StatusEvent, gap: str = "") -> dict[str, str]:
    moment = Moment(event.occurred_at)
    return {"day": moment.day, "time": moment.clock, "gap": gap}
