from datetime import timedelta

from messages.dashboard.messages.event_log import event_log, event_summary
from messages.domain.statuses import Status

from .events import event, in_group

SENT, RECEIVED, READ = Status.SENT, Status.RECEIVED, Status.READ


def flags(*events):
    return [(entry.is_out_of_order, entry.is_suspicious) for entry in event_log(events)]


def test_events_are_sorted_by_time():
    events = [event(READ, 9), event(SENT), event(RECEIVED)]
    assert [entry.event.status for entry in event_log(events)] == ["SENT", "RECEIVED", "READ"]


def test_summary_counts_events_in_their_order():
    events = event_log([event(SENT), event(RECEIVED, 1), event(RECEIVED, 2, device=1)])
    assert event_summary(events) == "3 events: Sent, Delivered ×2"


def test_summary_of_one_event_is_singular():
    assert event_summary(event_log([event(SENT)])) == "1 event: Sent"


def test_only_odd_events_are_unusual():
    in_order = [event(SENT), event(RECEIVED, 1, repeats=2), event(READ, 9)]
    assert not any(entry.is_unusual for entry in event_log(in_order))
    odd = [event(Status.FAILED), event(Status.UNKNOWN), event(SENT, 100, lag=-50)]
    late = [event(RECEIVED, 1, lag=60), event(READ, 9)]
    assert all(entry.is_unusual for entry in event_log(odd))
    assert [entry.is_unusual for entry in event_log(late)] == [True, False]


def test_events_of_the_same_second_are_sorted_by_status_rank():
    events = [event(status) for status in (Status.PLAYED, SENT, READ, RECEIVED)]
    assert [entry.event.status for entry in event_log(events)] == [
        "SENT",
        "RECEIVED",
        "READ",
        "PLAYED",
    ]
    assert flags(*events) == [(False, False)] * 4


def test_copies_include_the_first_callback():
    assert event_log([event(SENT, repeats=2)])[0].copies == 3


def test_lag_is_the_time_from_event_to_arrival():
    assert event_log([event(SENT, lag=37)])[0].lag == timedelta(seconds=37)


def test_event_with_arrival_time_only_has_no_lag_and_is_suspicious():
    entry = event_log([event(SENT, lag=0, time_is_arrival=True)])[0]
    assert (entry.lag, entry.is_suspicious) == (None, True)


def test_step_that_arrived_after_a_later_one_is_out_of_order():
    assert flags(event(RECEIVED, 1, lag=60), event(READ, 9)) == [(True, False), (False, False)]


def test_event_time_after_its_arrival_is_suspicious():
    assert flags(event(SENT, 100, lag=-50)) == [(False, True)]
    assert flags(event(SENT, 100, lag=-1)) == [(False, False)]


def test_step_earlier_than_its_previous_step_is_suspicious():
    assert flags(event(READ, 0), event(RECEIVED, 30))[0] == (False, True)


def test_failure_is_never_out_of_order_or_suspicious():
    assert flags(event(RECEIVED, 0), event(Status.FAILED, 30)) == [(False, False)] * 2


def test_participants_are_not_compared_with_each_other():
    events = [in_group(READ, "5511987654321"), in_group(RECEIVED, "5511987654322", 90)]
    assert flags(*events) == [(False, False)] * 2


def test_arrival_time_does_not_make_other_events_suspicious():
    events = [event(SENT, 500, lag=0, time_is_arrival=True), event(READ, 9)]
    assert [entry.is_suspicious for entry in event_log(events)] == [False, True]


def test_step_of_the_whole_group_is_compared_with_every_participant():
    late = event(SENT, 0, lag=60, phone="120363019502650977-group")
    assert flags(late, in_group(RECEIVED, "5511987654321", 1))[0] == (True, False)
