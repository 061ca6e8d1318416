"""A message's status in full sentences, for support to copy.

`sentence` has only what the customer may read. Reasons, doubts and what happened between us and
Z-API are in `internal_details`.
"""

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


def sentence(events: Sequence[StatusEvent], response: Response | None = None) -> str:
    """For the customer. An answer replaces "No read confirmation", because it proves more."""
    sentences = list(_of_many(events) if _has_many_recipients(events) else _of_one(events))
    if response:
        unread = _("No read confirmation.")
        kept = [one for one in sentences if one != unread or not response.answered_at]
        sentences = [*kept, *_responses(events, response)]
    return " ".join(sentences)


def internal_details(events: Sequence[StatusEvent], stuck_for: str = "") -> str:
    """What only the company needs to know; "" if there is nothing.

    `stuck_for`: how long the message has been stuck, in words, or "".
    """
    details = list(_details_of_many(events) if _has_many_recipients(events) else _details(events))
    if stuck_for:
        details.append(
            _("Not delivered after %(length)s, which is longer than usual.") % {"length": stuck_for}
        )
    return " ".join(details)


def why_no_read(
    found: Headline,
    *,
    is_answered: bool = False,
    receipts_off: bool = False,
    in_group: bool = False,
) -> str:
    """What a missing read confirmation means; "" if it is not missing, or an answer proves more.

    `receipts_off`: the read receipts of our own number seem to be off.
    """
    if found.status is not Status.RECEIVED or is_answered:
        return ""
    if receipts_off:
        return _(
            "Read receipts of this number seem to be off, so no read confirmation is expected."
        )
    if in_group:
        return _("Others may have read it anyway: participants can turn read receipts off.")
    return _("It may have been read anyway: the contact can turn read receipts off.")


def _has_many_recipients(events: Sequence[StatusEvent]) -> bool:
    return len(events_by_person(events)) > 1 or is_shared(events)


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


def _details(events: Sequence[StatusEvent]) -> Iterator[str]:
    status = highest_status(events)
    delivered, read = first_event(events, Status.RECEIVED), first_event(events, Status.READ)
    failed = first_event(events, Status.FAILED)
    if status is Status.DISPATCHED:
        yield _("Dispatched by Z-API. WhatsApp has not confirmed sending it.")
    if status is Status.FAILED:
        yield _why_failed(events)
    elif failed:
        yield _("A failure was also reported on %(day)s at %(time)s.") % _when(failed)
        yield _why_failed(events)
    if read and delivered and not _gap(delivered, read) and _is_before(read, delivered):
        yield _("The read report arrived before the delivery report.")
    if status.rank == 0:
        yield from _unknown_status(events, status)
    decisive = first_event(events, status) if status.rank else None
    if decisive and decisive.time_is_arrival:
        yield _("Z-API reported no valid time. The time shown is the arrival time.")


def _from_delivery(events: Sequence[StatusEvent], status: Status) -> Iterator[str]:
    """One sentence for each reported step from delivery on."""
    delivered, read = first_event(events, Status.RECEIVED), first_event(events, Status.READ)
    played = first_event(events, Status.PLAYED)
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


def _delivered(events: Sequence[StatusEvent], delivered: StatusEvent) -> str:
    if gap := _gap(first_event(events, Status.SENT), delivered):
        text = _("Delivered on %(day)s at %(time)s, %(gap)s after sending.")
    else:
        text = _("Delivered on %(day)s at %(time)s.")
    return text % _when(delivered, gap=gap)


def _read(read: StatusEvent, delivered: StatusEvent | None) -> str:
    gap = _gap(delivered, read)
    if gap:
        text = _("Read on %(day)s at %(time)s, %(gap)s after delivery.")
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
            "Accepted for sending on %(day)s at %(time)s. Sending is not confirmed yet."
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
    return _("No status reported yet.")


def _unknown_status(events: Sequence[StatusEvent], status: Status) -> Iterator[str]:
    newest = max(events, key=lambda event: event.occurred_at, default=None)
    if newest and not status.is_by_me:
        text = _("Z-API reported an unknown status, “%(word)s”, on %(day)s at %(time)s.")
        yield text % (_when(newest) | {"word": newest.raw_status})


def _of_many(events: Sequence[StatusEvent]) -> Iterator[str]:
    found = headline(events)
    newest = max(events, key=lambda event: event.occurred_at)
    yield _("%(words)s.") % {"words": found.words.rstrip(".")}
    if found.status is Status.RECEIVED and not first_event(events, Status.READ):
        yield _("No read confirmation.")
    if kind_of_addresses(event.phone for event in events) is MessageKind.CHANNEL:
        yield _("WhatsApp reports no deliveries for channels.")
    yield _("Last update on %(day)s at %(time)s.") % _when(newest)


def _details_of_many(events: Sequence[StatusEvent]) -> Iterator[str]:
    if headline(events).status is Status.FAILED:
        yield _why_failed(events)


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
