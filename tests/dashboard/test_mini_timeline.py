"""The ticks of a message in a list, and the words beside them."""

import pytest

from messages.domain.statuses import Status

HOME = "/"
REACHED, IMPLIED, MISSING, FAILED = "reached", "implied", "missing", "failed"


@pytest.fixture
def timeline(viewer, instance):
    return lambda: viewer.get(HOME).context["rows"][0].timeline


def marks(timeline):
    return [tick.mark for tick in timeline.ticks]


def test_ticks_show_the_steps_that_were_reported(timeline, report, deliver):
    deliver()
    report("SENT", "RECEIVED")
    assert marks(timeline()) == [REACHED, REACHED, REACHED, MISSING]


def test_tick_without_a_time_before_a_later_step_is_implied(timeline, report):
    report("READ")
    assert marks(timeline()) == [IMPLIED, IMPLIED, IMPLIED, REACHED]


def test_fourth_tick_of_a_played_message_is_played(timeline, report):
    report("SENT", "RECEIVED", "READ", "PLAYED")
    assert timeline().ticks[-1] == (Status.PLAYED, REACHED)


def test_failure_takes_the_place_of_the_step_that_it_prevented(timeline, report, deliver):
    report("SENT")
    deliver(error="Phone number does not exist")
    assert marks(timeline()) == [IMPLIED, REACHED, FAILED, MISSING]


def test_failure_without_any_step_is_in_the_first_place(timeline, deliver):
    deliver(error="Phone number does not exist")
    assert marks(timeline()) == [FAILED, MISSING, MISSING, MISSING]


def test_message_to_a_channel_has_no_ticks_for_what_is_not_reported(timeline, report):
    report("SENT", phone="120363@newsletter")
    assert marks(timeline()) == [IMPLIED, REACHED]


def test_message_that_only_we_have_read_has_no_ticks(viewer, report):
    report("READ_BY_ME")
    assert viewer.get("/?inbound=1").context["rows"][0].timeline.ticks == ()


@pytest.mark.parametrize(
    ("statuses", "words"),
    [
        (["SENT", "RECEIVED", "READ"], "Delivered in <b>1 s</b>, read <b>1 s</b> later"),
        (["SENT", "RECEIVED"], "Delivered in <b>1 s</b>"),
        (["RECEIVED", "READ"], "Read <b>1 s</b> after delivery"),
        (["SENT", "READ"], "Read in <b>1 s</b>"),
        (["SENT"], ""),
    ],
)
def test_durations_are_told_in_words(timeline, report, statuses, words):
    report(*statuses)
    assert timeline().durations == words


def test_picture_of_the_ticks_tells_the_exact_times(viewer, report):
    message = report("SENT", "READ")
    page = viewer.get(HOME)
    exact = page.context["rows"][0].timeline.description
    assert f"Sent {message.sent_at:%-d %b, %H:%M:%S}" in exact
    assert "Delivered time not reported" in exact
    assert f'role="img"><title>{exact}</title>' in page.content.decode()
