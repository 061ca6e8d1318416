"""What support pastes into a chat, word for word."""

import pytest
from django.utils import timezone

from messages.dashboard.messages.status_sentence import internal_details, sentence, why_no_read
from messages.dashboard.messages.timeline import headline, steps
from messages.domain.statuses import Status

from .events import GROUP, LID, event, in_group

DISPATCHED, SENT, RECEIVED, READ, FAILED = (
    Status.DISPATCHED,
    Status.SENT,
    Status.RECEIVED,
    Status.READ,
    Status.FAILED,
)


@pytest.fixture(autouse=True)
def _in_2026(monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: event(SENT, 86400).occurred_at)


def test_delivered_message_says_no_read_confirmation():
    assert sentence([event(SENT), event(RECEIVED, 12)]) == (
        "Delivered on 22 Nov at 09:14:03, 12 s after sending. No read confirmation."
    )


def test_read_message_has_delivery_and_read_times():
    assert sentence([event(SENT), event(RECEIVED, 12), event(READ, 252)]) == (
        "Delivered on 22 Nov at 09:14:03, 12 s after sending."
        " Read on 22 Nov at 09:18:03, 4 min after delivery."
    )


def test_played_message_has_delivery_and_play_times():
    told = sentence([event(RECEIVED, 12), event(Status.PLAYED, 72)])
    assert (
        told
        == "Delivered on 22 Nov at 09:14:03. Played on 22 Nov at 09:15:03, 1 min after delivery."
    )


def test_played_gap_is_measured_from_the_previous_step():
    events = [event(RECEIVED, 12), event(READ, 16), event(Status.PLAYED, 72)]
    assert sentence(events).endswith("Played on 22 Nov at 09:15:03, 56 s after it was read.")
    assert steps(events)[-1].gap_words == "56 s"


def test_read_reported_before_delivery_is_an_internal_detail():
    events = [event(READ, 11), event(RECEIVED, 12)]
    assert sentence(events).endswith("Read on 22 Nov at 09:14:02.")
    assert internal_details(events) == "The read report arrived before the delivery report."


def test_arrival_time_is_not_used_as_read_before_delivery():
    events = [event(READ, 11, time_is_arrival=True), event(RECEIVED, 12)]
    assert "before" not in internal_details(events)


def test_delivery_without_a_sent_event_has_no_duration():
    assert sentence([event(DISPATCHED), event(RECEIVED, 12)]).startswith(
        "Delivered on 22 Nov at 09:14:03. "
    )


def test_read_without_a_delivery_event_says_delivered_earlier():
    assert sentence([event(READ)]) == (
        "Read on 22 Nov at 09:13:51. It was delivered earlier; time not reported."
    )


def test_sent_or_dispatched_message_claims_no_delivery():
    assert sentence([event(SENT)]) == "Sent on 22 Nov at 09:13:51. No delivery confirmation."
    assert sentence([event(DISPATCHED)]) == (
        "Accepted for sending on 22 Nov at 09:13:51. Sending is not confirmed yet."
    )
    assert internal_details([event(DISPATCHED)]) == (
        "Dispatched by Z-API. WhatsApp has not confirmed sending it."
    )


@pytest.mark.parametrize("reason", ["Phone number does not exist", "Phone number does not exist."])
def test_reason_of_a_failure_is_an_internal_detail(reason):
    events = [event(FAILED, reason=reason)]
    assert sentence(events) == "Failed on 22 Nov at 09:13:51."
    assert internal_details(events) == ("This number was not on WhatsApp.")


def test_a_failure_with_an_unknown_reason_quotes_it():
    events = [event(FAILED, reason="expired.")]
    assert internal_details(events) == "Z-API gave this reason: expired."


def test_failed_message_without_a_reason_says_so():
    assert internal_details([event(FAILED)]) == "Z-API gave no reason."


def test_failure_after_delivery_is_an_internal_detail():
    events = [event(RECEIVED), event(FAILED, 5, reason="expired")]
    assert "ail" not in sentence(events)
    assert internal_details(events) == (
        "A failure was also reported on 22 Nov at 09:13:56. Z-API gave this reason: expired."
    )


def test_group_message_that_failed_has_its_reason_as_an_internal_detail():
    events = [event(FAILED, phone=GROUP, reason="expired")]
    assert sentence(events) == "Failed. Last update on 22 Nov at 09:13:51."
    assert internal_details(events) == "Z-API gave this reason: expired."


def test_delay_is_an_internal_detail():
    events = [event(SENT)]
    assert "42 min" not in sentence(events)
    assert internal_details(events, "42 min") == (
        "Not delivered after 42 min, which is longer than usual."
    )


@pytest.mark.parametrize("status", [*Status])
def test_sentence_for_the_customer_never_names_zapi(status):
    events = [event(status, reason="Phone number does not exist", raw_status="X")]
    assert "Z-API" not in sentence(events)


def test_inbound_message_says_that_your_team_read_it():
    assert sentence([event(Status.READ_BY_ME)]).startswith(
        "Message from the customer; your team read it on 22 Nov at 09:13:51."
    )


def test_unknown_status_is_an_internal_detail():
    events = [event(Status.UNKNOWN, raw_status="TELEPORTED")]
    assert sentence(events) == "No status reported yet."
    assert "“TELEPORTED”, on 22 Nov at 09:13:51" in internal_details(events)


def test_arrival_time_used_instead_is_an_internal_detail():
    assert internal_details([event(RECEIVED, time_is_arrival=True)]) == (
        "Z-API reported no valid time. The time shown is the arrival time."
    )


def test_group_message_is_summarized_in_numbers():
    events = [in_group(RECEIVED, "5511987654321"), in_group(READ, LID, 9)]
    assert sentence(events) == "Delivered to 2, read by 1. Last update on 22 Nov at 09:14:00."
    assert sentence([event(SENT, phone=GROUP)]) == "Sent. Last update on 22 Nov at 09:13:51."


def test_date_in_another_year_contains_the_year(monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: event(SENT, 400 * 86400).occurred_at)
    assert sentence([event(SENT)]).startswith("Sent on 22 Nov 2026 at 09:13:51.")


def test_message_without_events_says_no_status_reported():
    assert sentence([]) == "No status reported yet."
    assert internal_details([]) == ""


def test_missing_read_confirmation_is_explained():
    delivered = headline([event(RECEIVED)])
    assert "the contact can turn read receipts off" in why_no_read(delivered)
    assert "participants can turn" in why_no_read(delivered, in_group=True)
    assert why_no_read(headline([event(READ)])) == ""
