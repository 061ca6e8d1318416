"""Why a message did not arrive: from facts to a verdict. Pure; messages.verdicts gathers the facts.

Z-API does not report that a contact blocked us, or that a phone is off. Such causes are only listed
as possible.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from messages.domain.failures import Failure, FailureCategory, FailureOwner, Retry

# With fewer neighbours, no conclusion is possible.
MIN_NEIGHBOURS: Final = 5
MOST_DELIVERED: Final = 0.8
FEW_DELIVERED: Final = 0.5
# If this many messages to a recipient were sent and none was delivered, the cause is probably
# the recipient.
MIN_UNDELIVERED: Final = 3


class Trouble(StrEnum):
    """STUCK: dispatched or sent, not delivered in time. UNCONFIRMED: Z-API reported nothing."""

    FAILED = "failed"
    STUCK = "stuck"
    UNCONFIRMED = "unconfirmed"


class Certainty(StrEnum):
    """SAID: Z-API or WhatsApp said so."""

    SAID = "said"
    PROBABLE = "probable"
    UNKNOWN = "unknown"


class Cause(StrEnum):
    """The first ten are the categories of failures.

    SENDING: many messages of our number are affected. NOT_REPORTED: only its status is missing.
    """

    RESTRICTED = FailureCategory.RESTRICTED.value
    PERMISSION = FailureCategory.PERMISSION.value
    TERMS = FailureCategory.TERMS.value
    NUMBER = FailureCategory.NUMBER.value
    MEDIA_URL = FailureCategory.MEDIA_URL.value
    CONTENT = FailureCategory.CONTENT.value
    EXPIRED = FailureCategory.EXPIRED.value
    CHANNELS = FailureCategory.CHANNELS.value
    CONNECTION = FailureCategory.CONNECTION.value
    ZAPI = FailureCategory.ZAPI.value
    UNLISTED = "unlisted_reason"
    DISCONNECTED = "instance_disconnected"
    SUBSCRIPTION = "subscription_ended"
    QUEUE = "in_zapi_queue"
    SENDING = "sending_number"
    RECIPIENT = "recipient"
    NOT_REPORTED = "status_not_reported"
    ARRIVED = "arrived"
    UNKNOWN = "unknown"


class Possible(StrEnum):
    """Causes that Statusboard cannot determine."""

    PHONE_OFF = "phone_off"
    BLOCKED = "blocked"
    NUMBER_CHANGED = "number_changed"
    NOT_IN_GROUP = "not_in_group"
    WRONG_ID = "wrong_id"


class Advice(StrEnum):
    CHECK_NUMBER = "check_number"
    RECONNECT = "reconnect"
    RECONNECT_AND_RESEND = "reconnect_and_resend"
    RECONNECT_AND_WAIT = "reconnect_and_wait"
    WAIT_FOR_RESTRICTION = "wait_for_restriction_end"
    RENEW = "renew_subscription"
    WAIT_FOR_QUEUE = "wait_for_queue"
    FIX_AND_RESEND = "fix_and_resend"
    RESEND = "resend"
    RESEND_LATER = "resend_later"
    ASK_AND_RESEND = "ask_and_resend"
    DO_NOT_RESEND = "do_not_resend"
    OTHER_WAY = "contact_in_another_way"
    CHECK_INSTANCE = "check_instance"
    CHECK_WEBHOOK = "check_webhook"
    CHECK_ID = "check_id"
    NOTHING = "nothing_to_do"
    READ_REASON = "read_reason"
    ASK_QUEUE = "ask_queue"
    WAIT = "wait"


class SourceKind(StrEnum):
    FAILURE = "failure"
    INSTANCE = "instance"
    QUEUE = "queue"
    NEIGHBOURS = "neighbours"
    RECIPIENT = "recipient"


class Finding(StrEnum):
    """What a source says. Each belongs to one kind of source."""

    LISTED_REASON = "listed_reason"
    UNLISTED_REASON = "unlisted_reason"
    NO_REASON = "no_reason"
    NOT_FAILED = "not_failed"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    RESTRICTED = "restricted"
    SUBSCRIPTION_ENDED = "subscription_ended"
    STATUSES_MISSING = "statuses_missing"
    STATE_UNKNOWN = "state_unknown"
    WAITING = "waiting"
    LEFT = "left"
    STILL_LISTED = "still_listed"
    ABSENT = "absent"
    NOT_FOUND_YET = "not_found_yet"
    NO_ANSWER = "no_answer"
    NOT_ASKED = "not_asked"
    MOST_DELIVERED = "most_delivered"
    SOME_DELIVERED = "some_delivered"
    FEW_DELIVERED = "few_delivered"
    TOO_FEW = "too_few"
    NO_NEIGHBOURS = "no_neighbours"
    ANSWERED = "answered"
    WROTE = "wrote"
    DELIVERED_LATER = "delivered_later"
    DELIVERED_BEFORE = "delivered_before"
    NEVER_DELIVERED = "never_delivered"
    FIRST_MESSAGE = "first_message"
    MANY_RECIPIENTS = "many_recipients"
    NO_ADDRESS = "no_address"


class Says(StrEnum):
    """Whether a source supports the likely cause. UNKNOWN: the source does not know."""

    SUPPORTS = "supports"
    CONTRADICTS = "contradicts"
    NEUTRAL = "neutral"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class InstanceState:
    """The state of the instance when the message was sent: a Finding from CONNECTED on.

    `until` is None if the state lasts.
    """

    finding: Finding = Finding.STATE_UNKNOWN
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """What Z-API's queue said about the message.

    `asked_at` is the last question, `read_at` the last answer. `ahead` is how many messages waited
    before it; None if it was not in the queue. `is_minimum`: only a part of the queue was read.
    """

    asked_at: datetime | None = None
    read_at: datetime | None = None
    ahead: int | None = None
    queued_at: datetime | None = None
    is_minimum: bool = False

    @property
    def age(self) -> timedelta | None:
        if self.queued_at is None or self.read_at is None:
            return None
        return max(timedelta(), self.read_at - self.queued_at)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Messages of our number to others, sent around the same time.

    `is_minimum`: there were more, which were not counted.
    """

    total: int = 0
    delivered: int = 0
    is_minimum: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """What is known about the recipient.

    `undelivered`: how many earlier messages were not delivered. `answered_at`: the recipient
    answered this message. `wrote_at`: the recipient wrote after it.
    """

    delivered_before: datetime | None = None
    delivered_later: datetime | None = None
    undelivered: int = 0
    answered_at: datetime | None = None
    wrote_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """`reason` is Z-API's text, `failure` its entry in the catalogue.

    `sent_at`: when WhatsApp accepted the message. `is_shared`: to a group, a list or a channel.
    `is_connected`: our number is known to be connected now.
    """

    trouble: Trouble
    reason: str = ""
    failure: Failure | None = None
    arrived: bool = False
    sent_at: datetime | None = None
    is_shared: bool = False
    has_address: bool = True
    is_connected: bool = False
    instance: InstanceState = InstanceState()
    queue: QueuePlace = QueuePlace()
    neighbours: Neighbours = Neighbours()
    record: Record = Record()


@dataclass(frozen=True, slots=True)
class Source:
    kind: SourceKind
    finding: Finding
    says: Says


@dataclass(frozen=True, slots=True)
class Verdict:
    """`owner` is None if nobody knows whose problem it is."""

    cause: Cause
    certainty: Certainty
    owner: FailureOwner | None
    advice: Advice
    sources: tuple[Source, ...]
    possible: tuple[Possible, ...] = field(default=())


def judge(facts: Facts) -> Verdict:
    findings = _findings(facts)
    cause, certainty = next(_likely_causes(facts, findings), (Cause.UNKNOWN, Certainty.UNKNOWN))
    sources = tuple(
        Source(kind, finding, _says(finding, cause)) for kind, finding in findings.items()
    )
    is_contradicted = any(source.says is Says.CONTRADICTS for source in sources)
    if certainty is Certainty.SAID and is_contradicted and cause is not Cause.ARRIVED:
        certainty = Certainty.PROBABLE
    return Verdict(
        cause=cause,
        certainty=certainty,
        owner=_owner(facts, cause),
        advice=_advice(facts, cause, findings),
        sources=sources,
        possible=_possible(facts, cause, findings),
    )


def _findings(facts: Facts) -> dict[SourceKind, Finding]:
    return {
        SourceKind.FAILURE: _failure_finding(facts),
        SourceKind.INSTANCE: facts.instance.finding,
        SourceKind.QUEUE: _queue_finding(facts),
        SourceKind.NEIGHBOURS: _neighbours_finding(facts.neighbours),
        SourceKind.RECIPIENT: _record_finding(facts),
    }


def _failure_finding(facts: Facts) -> Finding:
    if facts.failure:
        return Finding.LISTED_REASON
    if facts.reason:
        return Finding.UNLISTED_REASON
    return Finding.NO_REASON if facts.trouble is Trouble.FAILED else Finding.NOT_FAILED


def _queue_finding(facts: Facts) -> Finding:
    queue = facts.queue
    if queue.read_at is None:
        return Finding.NO_ANSWER if queue.asked_at else Finding.NOT_ASKED
    if queue.ahead is None:
        return Finding.NOT_FOUND_YET if queue.is_minimum else Finding.ABSENT
    if facts.sent_at is None and not facts.arrived:
        return Finding.WAITING
    is_older = facts.sent_at is None or queue.read_at <= facts.sent_at
    return Finding.LEFT if is_older else Finding.STILL_LISTED


def _neighbours_finding(neighbours: Neighbours) -> Finding:
    if not neighbours.total:
        return Finding.NO_NEIGHBOURS
    if neighbours.total < MIN_NEIGHBOURS:
        return Finding.TOO_FEW
    share = neighbours.delivered / neighbours.total
    if share >= MOST_DELIVERED:
        return Finding.MOST_DELIVERED
    return Finding.FEW_DELIVERED if share < FEW_DELIVERED else Finding.SOME_DELIVERED


def _record_finding(facts: Facts) -> Finding:
    record = facts.record
    known = (
        (record.answered_at, Finding.ANSWERED),
        (facts.is_shared, Finding.MANY_RECIPIENTS),
        (not facts.has_address, Finding.NO_ADDRESS),
        (record.delivered_later, Finding.DELIVERED_LATER),
        (record.wrote_at, Finding.WROTE),
        (record.delivered_before, Finding.DELIVERED_BEFORE),
        (record.undelivered, Finding.NEVER_DELIVERED),
    )
    return next((finding for is_true, finding in known if is_true), Finding.FIRST_MESSAGE)


def _likely_causes(
    facts: Facts, findings: Mapping[SourceKind, Finding]
) -> Iterator[tuple[Cause, Certainty]]:
    """Return the likely causes, the most certain first."""
    if facts.arrived:
        yield Cause.ARRIVED, Certainty.SAID
    if facts.record.answered_at:
        yield Cause.ARRIVED, Certainty.PROBABLE
    if facts.failure:
        yield _of_failure(facts.failure), Certainty.SAID
    is_working = findings[SourceKind.NEIGHBOURS] is Finding.MOST_DELIVERED
    if findings[SourceKind.QUEUE] is Finding.WAITING:
        is_offline = facts.instance.finding is Finding.DISCONNECTED and not facts.instance.until
        yield (Cause.DISCONNECTED if is_offline and not is_working else Cause.QUEUE), Certainty.SAID
    if not is_working and (cause := _CAUSES_OF_STATE.get(facts.instance.finding)):
        yield cause, Certainty.PROBABLE
    if facts.trouble is Trouble.FAILED:
        if facts.reason:
            yield Cause.UNLISTED, Certainty.SAID
        yield from _of_our_number(findings)
        return
    # The recipient's phone was online after that. So WhatsApp has delivered the message.
    if findings[SourceKind.RECIPIENT] in _REACHED_LATER:
        yield Cause.NOT_REPORTED, Certainty.PROBABLE
    yield from _of_our_number(findings)
    # Without any report, the message may never have left Z-API.
    may_be_recipient = facts.trouble is Trouble.STUCK
    is_never_reached = (
        findings[SourceKind.RECIPIENT] is Finding.NEVER_DELIVERED
        and facts.record.undelivered >= MIN_UNDELIVERED
    )
    if may_be_recipient and (is_working or is_never_reached):
        yield Cause.RECIPIENT, Certainty.PROBABLE


def _of_failure(failure: Failure) -> Cause:
    # Only Z-API can have a timeout. Our number can only be disconnected.
    is_ours = failure.owner is FailureOwner.OUR_NUMBER
    if failure.category is FailureCategory.CONNECTION and is_ours:
        return Cause.DISCONNECTED
    return Cause(failure.category.value)


def _of_our_number(
    findings: Mapping[SourceKind, Finding],
) -> Iterator[tuple[Cause, Certainty]]:
    if findings[SourceKind.NEIGHBOURS] is Finding.FEW_DELIVERED:
        yield Cause.SENDING, Certainty.PROBABLE


def _owner(facts: Facts, cause: Cause) -> FailureOwner | None:
    if facts.failure and cause is not Cause.ARRIVED:
        return facts.failure.owner
    return _OWNERS.get(cause)


def _advice(facts: Facts, cause: Cause, findings: Mapping[SourceKind, Finding]) -> Advice:
    if _is_over(facts, cause, findings):
        return _advice_afterwards(facts, findings)
    if cause is Cause.DISCONNECTED:
        return _advice_on_disconnection(facts, findings)
    if cause in _ADVICE:
        return _ADVICE[cause]
    if facts.failure:
        if facts.failure.code == _MAY_HAVE_ARRIVED:
            return Advice.ASK_AND_RESEND
        return _ADVICE_OF_RETRY[facts.failure.retry]
    return _advice_without_cause(facts, findings)


def _is_over(facts: Facts, cause: Cause, findings: Mapping[SourceKind, Finding]) -> bool:
    """Whether the cause is known to be gone."""
    match cause:
        case Cause.DISCONNECTED:
            return facts.is_connected
        case Cause.NUMBER:
            return findings[SourceKind.RECIPIENT] in _REACHED_LATER
        case Cause.RESTRICTED | Cause.SUBSCRIPTION:
            is_same = _CAUSES_OF_STATE.get(facts.instance.finding) is cause
            return is_same and facts.instance.until is not None
        case _:
            return False


def _advice_afterwards(facts: Facts, findings: Mapping[SourceKind, Finding]) -> Advice:
    if findings[SourceKind.QUEUE] is Finding.WAITING:
        return Advice.WAIT_FOR_QUEUE
    if facts.trouble is Trouble.FAILED:
        return Advice.RESEND
    return _advice_without_cause(facts, findings)


def _advice_on_disconnection(facts: Facts, findings: Mapping[SourceKind, Finding]) -> Advice:
    """Z-API's queue sends only what still waits in it."""
    if findings[SourceKind.QUEUE] is Finding.WAITING:
        return Advice.RECONNECT
    if facts.trouble is Trouble.FAILED:
        return Advice.RECONNECT_AND_RESEND
    has_left = facts.sent_at or findings[SourceKind.QUEUE] is Finding.ABSENT
    return Advice.RECONNECT_AND_WAIT if has_left else Advice.RECONNECT


def _advice_without_cause(facts: Facts, findings: Mapping[SourceKind, Finding]) -> Advice:
    if findings[SourceKind.QUEUE] in {Finding.NOT_ASKED, Finding.NO_ANSWER} and not facts.sent_at:
        return Advice.ASK_QUEUE
    return Advice.CHECK_ID if facts.trouble is Trouble.UNCONFIRMED else Advice.WAIT


def _possible(
    facts: Facts, cause: Cause, findings: Mapping[SourceKind, Finding]
) -> tuple[Possible, ...]:
    if facts.trouble is Trouble.FAILED:
        is_reachable = _is_over(facts, cause, findings)
        return (Possible.NUMBER_CHANGED,) if cause is Cause.NUMBER and not is_reachable else ()
    if cause not in {Cause.RECIPIENT, Cause.UNKNOWN}:
        return ()
    if facts.trouble is Trouble.UNCONFIRMED:
        return (Possible.WRONG_ID,)
    if facts.is_shared:
        return (Possible.NOT_IN_GROUP,)
    return Possible.PHONE_OFF, Possible.BLOCKED, Possible.NUMBER_CHANGED


def _says(finding: Finding, cause: Cause) -> Says:
    if finding in _IGNORANT:
        return Says.UNKNOWN
    if cause in _SUPPORTED.get(finding, ()):
        return Says.SUPPORTS
    return Says.CONTRADICTS if cause in _CONTRADICTED.get(finding, ()) else Says.NEUTRAL


_REACHED_LATER: Final = {Finding.DELIVERED_LATER, Finding.WROTE}
_CAUSES_OF_STATE: Final = {
    Finding.DISCONNECTED: Cause.DISCONNECTED,
    Finding.SUBSCRIPTION_ENDED: Cause.SUBSCRIPTION,
    Finding.RESTRICTED: Cause.RESTRICTED,
    Finding.STATUSES_MISSING: Cause.NOT_REPORTED,
}
_OWNERS: Final = {
    Cause.DISCONNECTED: FailureOwner.OUR_NUMBER,
    Cause.SUBSCRIPTION: FailureOwner.OUR_NUMBER,
    Cause.RESTRICTED: FailureOwner.OUR_NUMBER,
    Cause.SENDING: FailureOwner.OUR_NUMBER,
    Cause.QUEUE: FailureOwner.PROVIDER,
    Cause.RECIPIENT: FailureOwner.RECIPIENT,
}
# For causes without an entry, the catalogue's advice on retrying.
_ADVICE: Final = {
    Cause.NUMBER: Advice.CHECK_NUMBER,
    Cause.RESTRICTED: Advice.WAIT_FOR_RESTRICTION,
    Cause.SUBSCRIPTION: Advice.RENEW,
    Cause.QUEUE: Advice.WAIT_FOR_QUEUE,
    Cause.SENDING: Advice.CHECK_INSTANCE,
    Cause.RECIPIENT: Advice.OTHER_WAY,
    Cause.NOT_REPORTED: Advice.CHECK_WEBHOOK,
    Cause.ARRIVED: Advice.NOTHING,
    Cause.UNLISTED: Advice.READ_REASON,
}
# Z-API gave up waiting for WhatsApp, which may have got the message.
_MAY_HAVE_ARRIVED: Final = "send_timeout"
_ADVICE_OF_RETRY: Final = {
    Retry.NO: Advice.DO_NOT_RESEND,
    Retry.AFTER_MENDING: Advice.FIX_AND_RESEND,
    Retry.LATER: Advice.RESEND_LATER,
    Retry.AFTER_RESTRICTION: Advice.WAIT_FOR_RESTRICTION,
}
_IGNORANT: Final = {
    *(Finding.NO_REASON, Finding.STATE_UNKNOWN, Finding.NOT_ASKED, Finding.NO_ANSWER),
    *(Finding.NOT_FOUND_YET, Finding.NO_NEIGHBOURS, Finding.MANY_RECIPIENTS, Finding.NO_ADDRESS),
}
_OF_OUR_NUMBER: Final = frozenset(
    {Cause.RESTRICTED, Cause.DISCONNECTED, Cause.SUBSCRIPTION, Cause.SENDING}
)
_OF_FAILURES: Final = frozenset(Cause(category.value) for category in FailureCategory)
_SUPPORTED: Final[dict[Finding, frozenset[Cause]]] = {
    Finding.LISTED_REASON: _OF_FAILURES | {Cause.DISCONNECTED},
    Finding.UNLISTED_REASON: frozenset({Cause.UNLISTED}),
    Finding.DISCONNECTED: frozenset({Cause.DISCONNECTED, Cause.QUEUE, Cause.CONNECTION}),
    Finding.SUBSCRIPTION_ENDED: frozenset({Cause.SUBSCRIPTION, Cause.QUEUE}),
    Finding.RESTRICTED: frozenset({Cause.RESTRICTED}),
    Finding.STATUSES_MISSING: frozenset({Cause.NOT_REPORTED}),
    Finding.WAITING: frozenset({Cause.QUEUE, Cause.DISCONNECTED}),
    Finding.MOST_DELIVERED: frozenset({Cause.RECIPIENT, Cause.NUMBER}),
    Finding.FEW_DELIVERED: _OF_OUR_NUMBER | {Cause.QUEUE, Cause.CONNECTION, Cause.ZAPI},
    Finding.ANSWERED: frozenset({Cause.ARRIVED}),
    Finding.DELIVERED_LATER: frozenset({Cause.NOT_REPORTED}),
    Finding.WROTE: frozenset({Cause.NOT_REPORTED}),
    Finding.NEVER_DELIVERED: frozenset({Cause.RECIPIENT, Cause.NUMBER}),
}
_CONTRADICTED: Final[dict[Finding, frozenset[Cause]]] = {
    Finding.LISTED_REASON: frozenset({Cause.ARRIVED}),
    Finding.UNLISTED_REASON: frozenset({Cause.ARRIVED}),
    # Two reports of Z-API contradict each other.
    Finding.DISCONNECTED: frozenset({Cause.RECIPIENT, Cause.UNKNOWN}),
    Finding.SUBSCRIPTION_ENDED: frozenset({Cause.RECIPIENT, Cause.UNKNOWN}),
    Finding.RESTRICTED: frozenset({Cause.RECIPIENT, Cause.UNKNOWN}),
    Finding.CONNECTED: frozenset({Cause.DISCONNECTED}),
    Finding.STATUSES_MISSING: frozenset({Cause.RECIPIENT}),
    Finding.WAITING: frozenset({Cause.ARRIVED}) | (_OF_FAILURES - {Cause.CONNECTION}),
    Finding.STILL_LISTED: frozenset({Cause.RECIPIENT, Cause.ARRIVED, Cause.NOT_REPORTED}),
    Finding.MOST_DELIVERED: _OF_OUR_NUMBER,
    Finding.FEW_DELIVERED: frozenset({Cause.RECIPIENT}),
    Finding.DELIVERED_LATER: frozenset({Cause.NUMBER}),
    Finding.WROTE: frozenset({Cause.NUMBER}),
}
