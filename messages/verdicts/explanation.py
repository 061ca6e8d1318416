"""A verdict in the reader's language."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from messages.domain.durations import duration
from messages.domain.failures import FailureOwner
from messages.domain.verdict import (
    Advice,
    Cause,
    Certainty,
    Facts,
    Finding,
    Possible,
    Says,
    SourceKind,
    Verdict,
)

# A time as text.
_When = Callable[[datetime], str]
_Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SourceText:
    kind: SourceKind
    label: str
    finding: Finding
    says: Says
    says_label: str
    text: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """`owner` is "" if nobody knows whose problem it is. `send_again` says whether to do it."""

    verdict: Verdict
    cause: str
    certainty: str
    owner: str
    advice: str
    send_again: str
    sources: tuple[SourceText, ...]
    possible: tuple[str, ...]


def explain(verdict: Verdict, facts: Facts, when: _When) -> Explanation:
    values = _values(facts, when)
    return Explanation(
        verdict=verdict,
        cause=_cause(verdict.cause, facts) % values,
        certainty=str(_CERTAINTIES[verdict.certainty]),
        owner=str(verdict.owner.label) if verdict.owner else "",
        advice=_advice(verdict),
        send_again=str(_SEND_AGAIN.get(verdict.advice, _NOT_YET)),
        sources=tuple(
            SourceText(
                kind=source.kind,
                label=str(_SOURCES[source.kind]),
                finding=source.finding,
                says=source.says,
                says_label=str(_SAYS[source.says]),
                text=_finding(source.finding, facts) % values,
            )
            for source in verdict.sources
        ),
        possible=tuple(str(_POSSIBLE[one]) for one in verdict.possible),
    )


def _advice(verdict: Verdict) -> str:
    advice = str(_ADVICE[verdict.advice])
    if verdict.owner is FailureOwner.OUR_SOFTWARE:
        who = _("Tell the people who run the software that sends these messages.")
        return f"{advice} {who}"
    return advice


def _values(facts: Facts, when: _When) -> _Values:
    queue, record = facts.queue, facts.record
    times = {
        "since": facts.instance.since,
        "until": facts.instance.until,
        "asked": queue.asked_at,
        "read": queue.read_at,
        "delivered_before": record.delivered_before,
        "delivered_later": record.delivered_later,
        "answered": record.answered_at,
        "wrote": record.wrote_at,
    }
    return {
        "reason": facts.reason.rstrip("."),
        "ahead": queue.ahead,
        "age": "" if queue.age is None else duration(queue.age),
        "delivered": facts.neighbours.delivered,
        "total": facts.neighbours.total,
        "undelivered": facts.record.undelivered,
        **{name: when(time) if time else "" for name, time in times.items()},
    }


def _cause(cause: Cause, facts: Facts) -> str:
    if facts.failure and cause is not Cause.ARRIVED:
        return str(facts.failure.text).replace("%", "%%")
    return str(_CAUSES[cause])


def _finding(finding: Finding, facts: Facts) -> str:
    """The sentence, with places for values."""
    if finding in _STATES:
        lasting, over = _STATES[finding]
        return str(over if facts.instance.until else lasting)
    if finding is Finding.WAITING:
        return _waiting(facts)
    if finding in _NEIGHBOURS:
        return _neighbours(finding, facts)
    if finding is Finding.NEVER_DELIVERED:
        return ngettext(
            "%(undelivered)d earlier message to this recipient was not delivered either.",
            "%(undelivered)d earlier messages to this recipient were not delivered either.",
            facts.record.undelivered,
        )
    if finding is Finding.CONNECTED and not facts.instance.since:
        return _("Connected.")
    return str(_FINDINGS[finding])


def _waiting(facts: Facts) -> str:
    ahead = facts.queue.ahead or 0
    place = ngettext(
        "Waiting, %(ahead)d message ahead of it (%(read)s).",
        "Waiting, %(ahead)d messages ahead of it (%(read)s).",
        ahead,
    )
    if not ahead:
        place = _("Next in the queue (%(read)s).")
    waiting = _("In the queue for %(age)s.")
    return f"{place} {waiting}" if facts.queue.age else place


def _neighbours(finding: Finding, facts: Facts) -> str:
    neighbours = facts.neighbours
    if neighbours.is_minimum:
        counted = _(
            "%(delivered)d of %(total)d counted messages from this number in the same half hour "
            "were delivered."
        )
    else:
        counted = ngettext(
            "%(delivered)d of %(total)d other message sent from this number in the same half hour "
            "was delivered.",
            "%(delivered)d of %(total)d other messages sent from this number in the same half hour "
            "were delivered.",
            neighbours.total,
        )
    comment = str(_NEIGHBOURS[finding])
    return f"{counted} {comment}" if comment else counted


_CERTAINTIES: Final = {
    Certainty.SAID: gettext_lazy("Z-API said"),
    Certainty.PROBABLE: gettext_lazy("Probably"),
    Certainty.UNKNOWN: gettext_lazy("Unknown"),
}
_SAYS: Final = {
    Says.SUPPORTS: gettext_lazy("Points to this cause"),
    Says.CONTRADICTS: gettext_lazy("Contradicts it"),
    Says.NEUTRAL: gettext_lazy("Neutral"),
    Says.UNKNOWN: gettext_lazy("Not known"),
}
_SOURCES: Final = {
    SourceKind.FAILURE: gettext_lazy("Failure reason"),
    SourceKind.INSTANCE: gettext_lazy("Instance at that time"),
    SourceKind.QUEUE: gettext_lazy("Z-API’s queue"),
    SourceKind.NEIGHBOURS: gettext_lazy("Messages to others"),
    SourceKind.RECIPIENT: gettext_lazy("This recipient"),
}
_CAUSES: Final[dict[Cause, Promise]] = {
    Cause.RESTRICTED: gettext_lazy("WhatsApp was restricting our number."),
    Cause.UNLISTED: gettext_lazy("Z-API could not send the message: %(reason)s."),
    Cause.DISCONNECTED: gettext_lazy("Our number was not connected to WhatsApp."),
    Cause.SUBSCRIPTION: gettext_lazy("The instance’s subscription at Z-API had ended."),
    Cause.QUEUE: gettext_lazy("The message waits in Z-API’s queue and is not sent yet."),
    Cause.SENDING: gettext_lazy(
        "Our number was not delivering messages. Other recipients are affected too."
    ),
    Cause.RECIPIENT: gettext_lazy("The cause is on the recipient’s side."),
    Cause.NOT_REPORTED: gettext_lazy(
        "The message may have arrived. Only its status did not reach Statusboard."
    ),
    Cause.ARRIVED: gettext_lazy("The message arrived."),
    Cause.UNKNOWN: gettext_lazy("The cause is not known."),
}
_POSSIBLE: Final = {
    Possible.PHONE_OFF: gettext_lazy("The phone is off or has no internet connection."),
    Possible.BLOCKED: gettext_lazy("The contact blocked our number."),
    Possible.NUMBER_CHANGED: gettext_lazy("The contact has a new number or left WhatsApp."),
    Possible.NOT_IN_GROUP: gettext_lazy(
        "Our number is not in the group any more, or may not write in it."
    ),
    Possible.WRONG_ID: gettext_lazy("The label has a wrong message id."),
}
_ADVICE: Final = {
    Advice.CHECK_NUMBER: gettext_lazy("Ask the customer for the right number."),
    Advice.RECONNECT: gettext_lazy(
        "Reconnect the instance. Z-API then sends what waits in its queue: do not send that again."
    ),
    Advice.RECONNECT_AND_RESEND: gettext_lazy("Reconnect the instance, then send it again."),
    Advice.RECONNECT_AND_WAIT: gettext_lazy(
        "Reconnect the instance. Then wait for the status before you send it again."
    ),
    Advice.WAIT_FOR_RESTRICTION: gettext_lazy(
        "Stop sending and wait until the restriction ends. Do not reconnect the instance."
    ),
    Advice.RENEW: gettext_lazy("Renew the subscription in Z-API’s panel, then send it again."),
    Advice.WAIT_FOR_QUEUE: gettext_lazy(
        "Wait. Do not send it again: Z-API sends it when its turn comes."
    ),
    Advice.FIX_AND_RESEND: gettext_lazy("Fix the cause, then send it again."),
    Advice.RESEND: gettext_lazy("The cause is over. Send it again if it is still needed."),
    Advice.RESEND_LATER: gettext_lazy(
        "The cause was probably temporary. Send it again, but not within a few minutes."
    ),
    Advice.ASK_AND_RESEND: gettext_lazy(
        "Ask the customer whether it arrived. Send it again if it did not."
    ),
    Advice.DO_NOT_RESEND: gettext_lazy("Do not send it again: it would fail again."),
    Advice.OTHER_WAY: gettext_lazy(
        "Contact the customer in another way. Sending it again does not help."
    ),
    Advice.CHECK_INSTANCE: gettext_lazy(
        "Check the instance: its connection, its subscription and its problems."
    ),
    Advice.CHECK_WEBHOOK: gettext_lazy(
        "Ask the customer whether it arrived before you send it again. Check the instance’s "
        "webhook."
    ),
    Advice.CHECK_ID: gettext_lazy(
        "Check in your system that the message was sent, and that its id is right."
    ),
    Advice.NOTHING: gettext_lazy("There is nothing to do."),
    Advice.READ_REASON: gettext_lazy(
        "Read Z-API’s reason. If it is not clear, ask Z-API’s support."
    ),
    Advice.ASK_QUEUE: gettext_lazy("Ask Z-API’s queue whether the message still waits there."),
    Advice.WAIT: gettext_lazy("Wait, or contact the customer in another way."),
}
_NOT_YET: Final = gettext_lazy("Not yet.")
_NO: Final = gettext_lazy("No.")
_SEND_AGAIN: Final = {
    Advice.CHECK_NUMBER: _NO,
    Advice.WAIT_FOR_QUEUE: _NO,
    Advice.RESEND: gettext_lazy("Yes."),
    Advice.RESEND_LATER: gettext_lazy("Yes."),
    Advice.ASK_AND_RESEND: gettext_lazy("Only if it did not arrive."),
    Advice.DO_NOT_RESEND: _NO,
    Advice.OTHER_WAY: _NO,
    Advice.NOTHING: _NO,
}
# While it lasts, and when it is over.
_STATES: Final = {
    Finding.DISCONNECTED: (
        gettext_lazy("Not connected since %(since)s."),
        gettext_lazy("Not connected from %(since)s to %(until)s."),
    ),
    Finding.RESTRICTED: (
        gettext_lazy("Restricted by WhatsApp since %(since)s."),
        gettext_lazy("Restricted by WhatsApp from %(since)s to %(until)s."),
    ),
    Finding.SUBSCRIPTION_ENDED: (
        gettext_lazy("The subscription ended on %(since)s."),
        gettext_lazy("The subscription ended on %(since)s and was renewed by %(until)s."),
    ),
    Finding.STATUSES_MISSING: (
        gettext_lazy("No statuses have arrived since %(since)s."),
        gettext_lazy("No statuses arrived from %(since)s to %(until)s."),
    ),
}
_NEIGHBOURS: Final = {
    Finding.MOST_DELIVERED: gettext_lazy("So our number was working."),
    Finding.SOME_DELIVERED: "",
    Finding.FEW_DELIVERED: gettext_lazy("So our number had a problem."),
    Finding.TOO_FEW: gettext_lazy("Too few to tell."),
}
_FINDINGS: Final = {
    Finding.LISTED_REASON: gettext_lazy("Z-API’s reason: “%(reason)s”."),
    Finding.UNLISTED_REASON: gettext_lazy(
        "Z-API’s reason: “%(reason)s”. Statusboard does not know it."
    ),
    Finding.NO_REASON: gettext_lazy("Z-API gave no reason."),
    Finding.NOT_FAILED: gettext_lazy("Z-API reported no failure."),
    Finding.CONNECTED: gettext_lazy("Connected since %(since)s."),
    Finding.STATE_UNKNOWN: gettext_lazy("Not known whether it was connected."),
    Finding.LEFT: gettext_lazy("It waited there (%(read)s), and was sent later."),
    Finding.STILL_LISTED: gettext_lazy("Z-API still lists it (%(read)s), although it was sent."),
    Finding.ABSENT: gettext_lazy("Not in the queue (%(read)s)."),
    Finding.NOT_FOUND_YET: gettext_lazy(
        "Not found (%(read)s), but the queue is too long to read all of it."
    ),
    Finding.NO_ANSWER: gettext_lazy("Asked (%(asked)s), but Z-API did not answer."),
    Finding.NOT_ASKED: gettext_lazy("Not asked yet."),
    Finding.NO_NEIGHBOURS: gettext_lazy(
        "No other messages were sent from this number in the same half hour."
    ),
    Finding.ANSWERED: gettext_lazy("Answered this message (%(answered)s)."),
    Finding.WROTE: gettext_lazy("Wrote to us later (%(wrote)s)."),
    Finding.DELIVERED_LATER: gettext_lazy("A later message was delivered (%(delivered_later)s)."),
    Finding.DELIVERED_BEFORE: gettext_lazy(
        "Earlier messages were delivered, the last one on %(delivered_before)s."
    ),
    Finding.FIRST_MESSAGE: gettext_lazy("No earlier message to this recipient is known."),
    Finding.MANY_RECIPIENTS: gettext_lazy("It went to several people."),
    Finding.NO_ADDRESS: gettext_lazy("Z-API did not report the recipient."),
}
