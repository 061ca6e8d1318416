"""The headline, recipients and steps derived from a message's events."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.dashboard.messages.timeline import headline, recipients, steps
from messages.domain.statuses import LADDER, Status

from .events import GROUP, LID, PHONE, PHONE_WITHOUT_THE_9, event, in_group

DISPATCHED, SENT, RECEIVED, READ, PLAYED, FAILED = (
    Status.DISPATCHED,
    Status.SENT,
    Status.RECEIVED,
    Status.READ,
    Status.PLAYED,
    Status.FAILED,
)


def words(*events):
    return headline(events).words


@pytest.mark.parametrize("status", LADDER)
def test_highest_step_is_the_headline(status):
    climbed = [event(step, n) for n, step in enumerate(LADDER) if step.rank <= status.rank]
    assert headline(climbed).status is status
    assert headline(climbed[::-1]).status is status
    assert words(*climbed) == status.label


def test_pending_headline_is_dispatched():
    assert words(event(Status.PENDING)) == "Dispatched"


def test_failure_headline_contains_the_reason():
    found = headline([event(FAILED, reason="Phone number does not exist")])
    assert found.words == "Failed"
    assert found.reason.startswith("This number was not on WhatsApp")
    assert headline([event(FAILED)]).reason == "Z-API gave no reason."


def test_an_unknown_reason_is_shown_as_z_api_gave_it():
    assert headline([event(FAILED, reason="Something new (X)")]).reason == "Something new (X)"


def test_reason_is_the_one_that_is_stored_for_the_message():
    events = [event(FAILED, reason="later"), event(FAILED, 3, reason="expired")]
    assert headline(events).reason == headline(events[::-1]).reason == "expired"


def test_failure_after_sending_is_the_headline():
    assert headline([event(SENT), event(FAILED, 3)]).status is FAILED


def test_failure_of_a_delivered_message_does_not_change_the_headline():
    found = headline([event(RECEIVED), event(FAILED, 3, reason="expired")])
    assert (found.status, found.words, found.contradicted) == (RECEIVED, "Delivered", True)


def test_message_read_only_by_us_says_so():
    assert words(event(Status.READ_BY_ME)) == "Read by us"
    assert words(event(Status.READ_BY_ME), event(Status.PLAYED_BY_ME)) == "Played by us"


def test_unknown_status_keeps_its_own_name():
    found = headline([event(Status.UNKNOWN, raw_status="TELEPORTED")])
    assert (found.status, found.words) == (Status.UNKNOWN, "TELEPORTED")
    assert words(event(Status.UNKNOWN, raw_status="TELEPORTED"), event(SENT)) == "Sent"


def test_headline_without_events_is_unknown():
    assert headline([]).status is Status.UNKNOWN


def test_group_headline_counts_participants():
    events = [in_group(RECEIVED, f"551198765432{n}", n) for n in range(4)]
    events += [in_group(READ, "5511987654320", 60)]
    found = headline([event(SENT, phone=GROUP), *events])
    assert (found.words, found.status) == ("Delivered to 4, read by 1", RECEIVED)


def test_group_read_by_some_is_delivered():
    events = [in_group(READ, "5511987654321"), in_group(RECEIVED, "5511987654322")]
    assert headline(events).status is RECEIVED


def test_group_read_by_every_known_participant_is_read():
    events = [in_group(READ, "5511987654321"), in_group(READ, "5511987654322")]
    found = headline(events)
    assert (found.words, found.status) == ("Delivered to 2, read by 2", READ)


def test_group_headline_counts_played():
    events = [in_group(PLAYED, "5511987654321"), in_group(RECEIVED, "5511987654322")]
    assert words(*events) == "Delivered to 2, read by 1, played by 1"


def test_participant_with_several_devices_is_counted_once():
    events = [in_group(RECEIVED, "5511987654321", device=n) for n in range(3)]
    assert words(*events) == "Delivered to 1"


def test_group_without_named_participants_says_at_least():
    assert words(event(READ, phone=GROUP)) == "Delivered to at least 1, read by at least 1"


def test_group_not_yet_delivered_has_the_headline_of_its_step():
    assert words(event(DISPATCHED, phone=GROUP), event(SENT, phone=GROUP)) == "Sent"
    assert headline([event(FAILED, phone=GROUP, reason="gone")]).reason == "gone"


def test_two_numbers_are_counted_separately():
    events = [event(RECEIVED), event(SENT, phone="5511987654321")]
    assert words(*events) == "Delivered to 1 of 2"
    assert words(*events, event(READ, 9)) == "Delivered to 1 of 2, read by 1"


def test_ninth_digit_variants_are_one_person():
    events = [event(SENT), event(READ, phone=PHONE_WITHOUT_THE_9)]
    assert words(*events) == "Read"
    assert [person.addresses for person in recipients(events)] == [(PHONE, PHONE_WITHOUT_THE_9)]


def test_one_number_and_one_lid_are_one_person():
    events = [event(DISPATCHED), event(READ, phone=LID)]
    assert words(*events) == "Read"
    assert [person.addresses for person in recipients(events)] == [(PHONE, LID)]


def test_two_numbers_and_a_lid_are_three_people():
    events = [event(SENT), event(SENT, phone="5511987654321"), event(READ, phone=LID)]
    assert words(*events) == "Delivered to 1 of 3, read by 1"


def test_two_lids_are_two_people():
    events = [event(RECEIVED, phone=LID), event(SENT, phone="987654321098765@lid")]
    assert words(*events) == "Delivered to 1 of 2"


def test_number_and_lid_in_a_group_are_not_linked():
    events = [in_group(RECEIVED, PHONE), in_group(RECEIVED, LID)]
    assert words(*events) == "Delivered to 2"


def test_missing_address_adds_no_recipient():
    assert words(event(DISPATCHED, phone=""), event(RECEIVED)) == "Delivered"


def test_read_by_us_adds_no_recipient():
    events = [event(RECEIVED), event(Status.READ_BY_ME, phone="5511987654321")]
    assert len(recipients(events)) == 1


def test_steps_contain_the_time_since_the_previous_step():
    found = steps([event(SENT), event(RECEIVED, 12), event(READ, 252)])
    assert [(step.status, step.gap) for step in found if step.gap] == [
        (RECEIVED, timedelta(seconds=12)),
        (READ, timedelta(seconds=240)),
    ]


def test_step_is_implied_by_a_later_one():
    found = {step.status: step for step in steps([event(READ)])}
    assert {step: found[step].is_implied for step in found} == {
        DISPATCHED: True,
        SENT: True,
        RECEIVED: True,
        READ: False,
    }
    assert all(step.is_reached for step in found.values())


def test_played_is_a_step_only_if_it_was_reported():
    assert [step.status for step in steps([event(READ)])][-1] is READ
    assert [step.status for step in steps([event(READ), event(PLAYED, 9)])] == list(LADDER)


@pytest.mark.parametrize(
    ("seconds", "stretch"), [(0, 0), (3, 1), (60, 3), (3600, 6), (86400, 8), (10**7, 9)]
)
def test_line_to_a_step_grows_with_the_logarithm_of_the_time(seconds, stretch):
    assert steps([event(SENT), event(RECEIVED, seconds)])[2].stretch == stretch


def test_failure_replaces_the_step_it_prevented():
    assert [(s.status, s.is_reached) for s in steps([event(FAILED)])][:2] == [
        (FAILED, True),
        (SENT, False),
    ]
    assert [s.status for s in steps([event(DISPATCHED), event(FAILED, 1)])] == [
        DISPATCHED,
        FAILED,
        RECEIVED,
        READ,
    ]


def test_failure_after_delivery_replaces_no_step():
    found = steps([event(RECEIVED), event(FAILED)])
    assert [step.status for step in found] == [DISPATCHED, SENT, RECEIVED, READ]


def test_step_before_its_predecessor_has_no_gap():
    assert {step.gap for step in steps([event(SENT, 10), event(RECEIVED, 0)])} == {None}


def test_group_steps_count_participants():
    found = {
        s.status: s.people
        for s in steps([in_group(READ, "5511987654321"), in_group(RECEIVED, LID)])
    }
    assert (found[SENT], found[RECEIVED], found[READ]) == (None, 2, 1)


EVENTS = st.builds(
    event,
    st.sampled_from(list(Status)),
    st.integers(0, 5),
    phone=st.sampled_from([PHONE, PHONE_WITHOUT_THE_9, LID, GROUP, "", "5511987654321"]),
    participant=st.sampled_from(["", "", PHONE, LID]),
)


@given(st.lists(EVENTS, max_size=8), st.randoms())
def test_headline_does_not_depend_on_event_order(events, random):
    shuffled = random.sample(events, len(events))
    assert headline(shuffled).status is headline(events).status
    assert words(*shuffled) == words(*events)
    was_played = any(one.status == PLAYED for one in events)
    assert len(steps(events)) == len(LADDER) - (not was_played)


def climbed(events):
    return [step.status for step in steps(events) if step.is_reached and step.status is not FAILED]


@given(st.lists(EVENTS, max_size=8), EVENTS)
def test_another_event_removes_no_reached_step(events, one_more):
    before = climbed(events)
    assert climbed([*events, one_more])[: len(before)] == before
