"""judge(): from facts to a verdict. Each line of the table is one case."""

from datetime import UTC, datetime, timedelta

import pytest

from messages.domain.failures import find_failure
from messages.domain.verdict import (
    Advice,
    Cause,
    Certainty,
    Facts,
    Finding,
    InstanceState,
    Neighbours,
    Possible,
    QueuePlace,
    Record,
    Says,
    SourceKind,
    Trouble,
    Verdict,
    judge,
)

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
EARLIER, LATER = NOON - timedelta(hours=1), NOON + timedelta(hours=1)
FAILED, STUCK, UNCONFIRMED = Trouble
OFFLINE = InstanceState(Finding.DISCONNECTED, EARLIER)
OFFLINE_FOR_A_WHILE = InstanceState(Finding.DISCONNECTED, EARLIER, LATER)
RESTRICTED = InstanceState(Finding.RESTRICTED, EARLIER)
RESTRICTED_FOR_A_WHILE = InstanceState(Finding.RESTRICTED, EARLIER, LATER)
UNPAID = InstanceState(Finding.SUBSCRIPTION_ENDED, EARLIER)
DEAF = InstanceState(Finding.STATUSES_MISSING, EARLIER)
ONLINE = InstanceState(Finding.CONNECTED)
WAITING = QueuePlace(NOON, NOON, 3, EARLIER)
ABSENT = QueuePlace(NOON, NOON)
WELL, BADLY, HALF = Neighbours(214, 212), Neighbours(20, 2), Neighbours(10, 6)
REACHED, REACHED_LATER = Record(delivered_before=EARLIER), Record(delivered_later=LATER)
NOT_REACHED = Record(undelivered=3)
PHONE_OFF_AND_OTHERS = (Possible.PHONE_OFF, Possible.BLOCKED, Possible.NUMBER_CHANGED)


def failed(reason: str, **facts) -> Facts:
    return Facts(FAILED, reason=reason, failure=find_failure(reason), **facts)


def stuck(**facts) -> Facts:
    return Facts(STUCK, sent_at=NOON, **facts)


SAID, PROBABLE, UNKNOWN = Certainty
CASES = [
    # A reason that Z-API gave.
    (failed("Phone number does not exist"), Cause.NUMBER, SAID, Advice.CHECK_NUMBER),
    (
        failed("Phone number does not exist", record=REACHED),
        *(Cause.NUMBER, SAID, Advice.CHECK_NUMBER),
    ),
    (
        failed("Phone number does not exist", record=REACHED_LATER),
        *(Cause.NUMBER, PROBABLE, Advice.RESEND),
    ),
    (
        failed("Phone number does not exist", record=Record(wrote_at=LATER)),
        *(Cause.NUMBER, PROBABLE, Advice.RESEND),
    ),
    (
        failed("Phone number does not exist", neighbours=BADLY, instance=OFFLINE),
        *(Cause.NUMBER, SAID, Advice.CHECK_NUMBER),
    ),
    (failed("SHADOW_BAN"), Cause.RESTRICTED, SAID, Advice.WAIT_FOR_RESTRICTION),
    (
        failed("Message could not be sent (SHADOW_BAN)", instance=RESTRICTED, neighbours=BADLY),
        *(Cause.RESTRICTED, SAID, Advice.WAIT_FOR_RESTRICTION),
    ),
    (
        failed("SHADOW_BAN", neighbours=WELL),
        *(Cause.RESTRICTED, PROBABLE, Advice.WAIT_FOR_RESTRICTION),
    ),
    (
        failed("SHADOW_BAN", instance=RESTRICTED_FOR_A_WHILE),
        *(Cause.RESTRICTED, SAID, Advice.RESEND),
    ),
    (failed("Instance is disconnected"), Cause.DISCONNECTED, SAID, Advice.RECONNECT_AND_RESEND),
    (
        failed("Instance is disconnected", queue=WAITING),
        *(Cause.DISCONNECTED, SAID, Advice.RECONNECT),
    ),
    (
        failed("Device has been disconnected", instance=OFFLINE_FOR_A_WHILE),
        *(Cause.DISCONNECTED, SAID, Advice.RECONNECT_AND_RESEND),
    ),
    (
        failed("Device has been disconnected", instance=OFFLINE_FOR_A_WHILE, is_connected=True),
        *(Cause.DISCONNECTED, SAID, Advice.RESEND),
    ),
    (
        failed("Instance is disconnected", queue=WAITING, is_connected=True),
        *(Cause.DISCONNECTED, SAID, Advice.WAIT_FOR_QUEUE),
    ),
    (
        failed("Instance is disconnected", instance=ONLINE),
        *(Cause.DISCONNECTED, PROBABLE, Advice.RECONNECT_AND_RESEND),
    ),
    (
        failed("Instance is disconnected", neighbours=WELL),
        *(Cause.DISCONNECTED, PROBABLE, Advice.RECONNECT_AND_RESEND),
    ),
    (failed("Timeout on send message"), Cause.CONNECTION, SAID, Advice.ASK_AND_RESEND),
    (
        failed("Timeout on send message", instance=OFFLINE),
        *(Cause.CONNECTION, SAID, Advice.ASK_AND_RESEND),
    ),
    (failed("Message could not be sent"), Cause.ZAPI, SAID, Advice.RESEND_LATER),
    (
        failed("Got a 404 error while trying to send message"),
        *(Cause.MEDIA_URL, SAID, Advice.FIX_AND_RESEND),
    ),
    (
        failed("Document not available to channels."),
        *(Cause.CHANNELS, SAID, Advice.DO_NOT_RESEND),
    ),
    (
        failed("You can't message this group as you don't have permission", is_shared=True),
        *(Cause.PERMISSION, SAID, Advice.FIX_AND_RESEND),
    ),
    (failed("SHADOW_BAN", queue=WAITING), Cause.RESTRICTED, PROBABLE, Advice.WAIT_FOR_RESTRICTION),
    # A reason that is not in the catalogue, or none.
    (failed("Teapot"), Cause.UNLISTED, SAID, Advice.READ_REASON),
    (failed("Teapot", neighbours=WELL), Cause.UNLISTED, SAID, Advice.READ_REASON),
    (
        failed("Teapot", instance=OFFLINE),
        *(Cause.DISCONNECTED, PROBABLE, Advice.RECONNECT_AND_RESEND),
    ),
    (
        failed("Teapot", instance=OFFLINE, neighbours=WELL),
        *(Cause.UNLISTED, SAID, Advice.READ_REASON),
    ),
    (failed(""), Cause.UNKNOWN, UNKNOWN, Advice.ASK_QUEUE),
    (failed("", queue=ABSENT), Cause.UNKNOWN, UNKNOWN, Advice.WAIT),
    (failed("", neighbours=WELL), Cause.UNKNOWN, UNKNOWN, Advice.ASK_QUEUE),
    (failed("", neighbours=BADLY), Cause.SENDING, PROBABLE, Advice.CHECK_INSTANCE),
    (failed("", instance=UNPAID), Cause.SUBSCRIPTION, PROBABLE, Advice.RENEW),
    (failed("", instance=RESTRICTED), Cause.RESTRICTED, PROBABLE, Advice.WAIT_FOR_RESTRICTION),
    # Evidence that it arrived.
    (failed("SHADOW_BAN", arrived=True), Cause.ARRIVED, SAID, Advice.NOTHING),
    (stuck(record=Record(answered_at=LATER)), Cause.ARRIVED, PROBABLE, Advice.NOTHING),
    (
        stuck(record=Record(answered_at=LATER), instance=OFFLINE, is_shared=True),
        *(Cause.ARRIVED, PROBABLE, Advice.NOTHING),
    ),
    (
        failed("Timeout on send message", record=Record(answered_at=LATER)),
        *(Cause.ARRIVED, PROBABLE, Advice.NOTHING),
    ),
    # Z-API's queue.
    (Facts(STUCK, queue=WAITING), Cause.QUEUE, SAID, Advice.WAIT_FOR_QUEUE),
    (Facts(UNCONFIRMED, queue=WAITING), Cause.QUEUE, SAID, Advice.WAIT_FOR_QUEUE),
    (Facts(STUCK, queue=WAITING, neighbours=WELL), Cause.QUEUE, SAID, Advice.WAIT_FOR_QUEUE),
    (
        Facts(STUCK, queue=WAITING, instance=OFFLINE),
        *(Cause.DISCONNECTED, SAID, Advice.RECONNECT),
    ),
    (
        Facts(STUCK, queue=WAITING, instance=OFFLINE, neighbours=WELL),
        *(Cause.QUEUE, SAID, Advice.WAIT_FOR_QUEUE),
    ),
    (
        Facts(STUCK, queue=WAITING, instance=OFFLINE_FOR_A_WHILE),
        *(Cause.QUEUE, SAID, Advice.WAIT_FOR_QUEUE),
    ),
    # It was sent: that it still waits, or waited before, explains nothing.
    (stuck(queue=WAITING), Cause.UNKNOWN, UNKNOWN, Advice.WAIT),
    (stuck(queue=QueuePlace(LATER, LATER, 3)), Cause.UNKNOWN, UNKNOWN, Advice.WAIT),
    (
        stuck(queue=QueuePlace(LATER, LATER, 3), neighbours=WELL),
        *(Cause.RECIPIENT, PROBABLE, Advice.OTHER_WAY),
    ),
    # The state of the instance at that time.
    (stuck(instance=OFFLINE), Cause.DISCONNECTED, PROBABLE, Advice.RECONNECT_AND_WAIT),
    (
        stuck(instance=OFFLINE, neighbours=BADLY),
        *(Cause.DISCONNECTED, PROBABLE, Advice.RECONNECT_AND_WAIT),
    ),
    (
        stuck(instance=OFFLINE_FOR_A_WHILE, is_connected=True),
        *(Cause.DISCONNECTED, PROBABLE, Advice.WAIT),
    ),
    (
        Facts(STUCK, queue=ABSENT, instance=OFFLINE),
        *(Cause.DISCONNECTED, PROBABLE, Advice.RECONNECT_AND_WAIT),
    ),
    (
        stuck(instance=RESTRICTED_FOR_A_WHILE),
        *(Cause.RESTRICTED, PROBABLE, Advice.WAIT),
    ),
    (stuck(instance=OFFLINE, neighbours=WELL), Cause.RECIPIENT, PROBABLE, Advice.OTHER_WAY),
    (
        stuck(instance=RESTRICTED, neighbours=HALF),
        *(Cause.RESTRICTED, PROBABLE, Advice.WAIT_FOR_RESTRICTION),
    ),
    (stuck(instance=RESTRICTED, neighbours=WELL), Cause.RECIPIENT, PROBABLE, Advice.OTHER_WAY),
    (stuck(instance=UNPAID), Cause.SUBSCRIPTION, PROBABLE, Advice.RENEW),
    (stuck(instance=DEAF), Cause.NOT_REPORTED, PROBABLE, Advice.CHECK_WEBHOOK),
    (stuck(instance=DEAF, neighbours=WELL), Cause.RECIPIENT, PROBABLE, Advice.OTHER_WAY),
    (Facts(UNCONFIRMED, instance=OFFLINE), Cause.DISCONNECTED, PROBABLE, Advice.RECONNECT),
    (Facts(UNCONFIRMED, instance=DEAF), Cause.NOT_REPORTED, PROBABLE, Advice.CHECK_WEBHOOK),
    # Its neighbours, at the thresholds.
    (stuck(neighbours=WELL), Cause.RECIPIENT, PROBABLE, Advice.OTHER_WAY),
    (stuck(neighbours=Neighbours(5, 4)), Cause.RECIPIENT, PROBABLE, Advice.OTHER_WAY),
    (stuck(neighbours=Neighbours(4, 4)), Cause.UNKNOWN, UNKNOWN, Advice.WAIT),
    (stuck(neighbours=Neighbours(100, 79)), Cause.UNKNOWN, UNKNOWN, Advice.WAIT),
    (stuck(neighbours=Neighbours(100, 50)), Cause.UNKNOWN, UNKNOWN, Advice.WAIT),
    (stuck(neighbours=Neighbours(100, 49)), Cause.SENDING, PROBABLE, Advice.CHECK_INSTANCE),
    (stuck(neighbours=Neighbours(5, 0)), Cause.SENDING, PROBABLE, Advice.CHECK_INSTANCE),
    (stuck(neighbours=Neighbours(4, 0)), Cause.UNKNOWN, UNKNOWN, Advice.WAIT),
    (stuck(neighbours=WELL, is_shared=True), Cause.RECIPIENT, PROBABLE, Advice.OTHER_WAY),
    # The recipient's record.
    (stuck(record=REACHED_LATER), Cause.NOT_REPORTED, PROBABLE, Advice.CHECK_WEBHOOK),
    (stuck(record=REACHED_LATER, neighbours=WELL), *(Cause.NOT_REPORTED, PROBABLE), None),
    (
        stuck(record=Record(wrote_at=LATER, undelivered=9), neighbours=WELL),
        *(Cause.NOT_REPORTED, PROBABLE, Advice.CHECK_WEBHOOK),
    ),
    (stuck(record=NOT_REACHED), Cause.RECIPIENT, PROBABLE, Advice.OTHER_WAY),
    (stuck(record=Record(undelivered=2)), Cause.UNKNOWN, UNKNOWN, Advice.WAIT),
    (stuck(record=REACHED), Cause.UNKNOWN, UNKNOWN, Advice.WAIT),
    (stuck(record=NOT_REACHED, neighbours=BADLY), Cause.SENDING, PROBABLE, None),
    # Nothing is known.
    (stuck(), Cause.UNKNOWN, UNKNOWN, Advice.WAIT),
    (Facts(STUCK), Cause.UNKNOWN, UNKNOWN, Advice.ASK_QUEUE),
    (Facts(STUCK, has_address=False), Cause.UNKNOWN, UNKNOWN, Advice.ASK_QUEUE),
    (Facts(UNCONFIRMED), Cause.UNKNOWN, UNKNOWN, Advice.ASK_QUEUE),
    (Facts(UNCONFIRMED, queue=ABSENT), Cause.UNKNOWN, UNKNOWN, Advice.CHECK_ID),
    (Facts(UNCONFIRMED, neighbours=WELL, queue=ABSENT), Cause.UNKNOWN, UNKNOWN, Advice.CHECK_ID),
]


@pytest.mark.parametrize(("facts", "cause", "certainty", "advice"), CASES)
def test_judge_known_facts_gives_cause_certainty_and_advice(facts, cause, certainty, advice):
    verdict = judge(facts)
    assert (verdict.cause, verdict.certainty) == (cause, certainty)
    assert verdict.advice is (advice or verdict.advice)
    assert [source.kind for source in verdict.sources] == list(SourceKind)


def says(verdict: Verdict, kind: SourceKind) -> tuple[Finding, Says]:
    (source,) = (source for source in verdict.sources if source.kind is kind)
    return source.finding, source.says


@pytest.mark.parametrize(
    ("facts", "kind", "finding", "word"),
    [
        (
            stuck(instance=OFFLINE, neighbours=WELL),
            *(SourceKind.INSTANCE, Finding.DISCONNECTED, Says.CONTRADICTS),
        ),
        (
            stuck(neighbours=WELL),
            *(SourceKind.NEIGHBOURS, Finding.MOST_DELIVERED, Says.SUPPORTS),
        ),
        (
            failed("SHADOW_BAN", neighbours=WELL),
            *(SourceKind.NEIGHBOURS, Finding.MOST_DELIVERED, Says.CONTRADICTS),
        ),
        (
            failed("SHADOW_BAN", arrived=True),
            *(SourceKind.FAILURE, Finding.LISTED_REASON, Says.CONTRADICTS),
        ),
        (
            stuck(queue=QueuePlace(LATER, LATER, 3), neighbours=WELL),
            *(SourceKind.QUEUE, Finding.STILL_LISTED, Says.CONTRADICTS),
        ),
        (
            stuck(queue=QueuePlace(EARLIER, EARLIER, 3)),
            *(SourceKind.QUEUE, Finding.LEFT, Says.NEUTRAL),
        ),
        (stuck(queue=ABSENT), SourceKind.QUEUE, Finding.ABSENT, Says.NEUTRAL),
        (
            stuck(queue=QueuePlace(NOON, NOON, is_minimum=True)),
            *(SourceKind.QUEUE, Finding.NOT_FOUND_YET, Says.UNKNOWN),
        ),
        (
            stuck(queue=QueuePlace(NOON)),
            *(SourceKind.QUEUE, Finding.NO_ANSWER, Says.UNKNOWN),
        ),
        (stuck(), SourceKind.QUEUE, Finding.NOT_ASKED, Says.UNKNOWN),
        (stuck(), SourceKind.INSTANCE, Finding.STATE_UNKNOWN, Says.UNKNOWN),
        (stuck(), SourceKind.NEIGHBOURS, Finding.NO_NEIGHBOURS, Says.UNKNOWN),
        (stuck(), SourceKind.FAILURE, Finding.NOT_FAILED, Says.NEUTRAL),
        (failed(""), SourceKind.FAILURE, Finding.NO_REASON, Says.UNKNOWN),
        (stuck(is_shared=True), SourceKind.RECIPIENT, Finding.MANY_RECIPIENTS, Says.UNKNOWN),
        (
            failed("Phone number does not exist", record=Record(wrote_at=LATER)),
            *(SourceKind.RECIPIENT, Finding.WROTE, Says.CONTRADICTS),
        ),
    ],
)
def test_judge_each_source_says_how_it_relates_to_the_cause(facts, kind, finding, word):
    assert says(judge(facts), kind) == (finding, word)


@pytest.mark.parametrize(
    ("facts", "possible"),
    [
        (stuck(), PHONE_OFF_AND_OTHERS),
        (stuck(neighbours=WELL), PHONE_OFF_AND_OTHERS),
        (stuck(neighbours=WELL, is_shared=True), (Possible.NOT_IN_GROUP,)),
        (stuck(neighbours=WELL, record=Record(wrote_at=LATER)), ()),
        (stuck(record=REACHED_LATER), ()),
        (stuck(instance=OFFLINE), ()),
        (Facts(UNCONFIRMED), (Possible.WRONG_ID,)),
        (failed("Phone number does not exist"), (Possible.NUMBER_CHANGED,)),
        (failed("Phone number does not exist", record=REACHED_LATER), ()),
        (failed("SHADOW_BAN"), ()),
        (failed(""), ()),
        (failed("SHADOW_BAN", arrived=True), ()),
    ],
)
def test_judge_causes_that_nobody_can_know_are_only_possible(facts, possible):
    assert judge(facts).possible == possible


def test_judge_unknown_cause_has_no_owner():
    assert judge(stuck()).owner is None
    assert judge(stuck(neighbours=WELL)).owner == "recipient"
    assert judge(failed("Phone number does not exist")).owner == "recipient"


@pytest.mark.parametrize(
    ("queued_at", "age"),
    [(EARLIER, timedelta(hours=1)), (LATER, timedelta()), (None, None)],
)
def test_queue_place_age_is_never_negative(queued_at, age):
    assert QueuePlace(NOON, NOON, 0, queued_at).age == age
