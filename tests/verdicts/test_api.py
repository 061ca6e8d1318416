"""`verdict` in the API's answer for one message."""

import pytest


def test_failed_message_has_a_verdict(reader, deliver):
    message = deliver(error="Phone number does not exist")
    verdict = reader.read(f"/messages/{message.pk}/")["verdict"]
    assert verdict["cause"] == "number_does_not_exist"
    assert verdict["certainty"] == "said"
    assert verdict["owner"] == "recipient"
    assert verdict["possible"] == ["number_changed"]
    assert verdict["advice"] == "check_number"
    assert [source["source"] for source in verdict["sources"]] == [
        *("failure", "instance", "queue", "neighbours", "recipient"),
    ]
    assert verdict["sources"][0] == {
        "source": "failure",
        "finding": "listed_reason",
        "says": "supports",
        "text": "Z-API’s reason: “Phone number does not exist”.",
    }


def test_stuck_message_of_unknown_cause_has_no_owner(reader, report):
    message = report("SENT", minutes_ago=42)
    verdict = reader.read(f"/messages/{message.pk}/")["verdict"]
    assert (verdict["cause"], verdict["certainty"]) == ("unknown", "unknown")
    assert verdict["owner"] is None


@pytest.mark.parametrize("steps", [("SENT", "RECEIVED"), ("SENT",)])
def test_message_that_arrived_or_still_may_has_none(reader, report, steps):
    message = report(*steps)
    assert reader.read(f"/messages/{message.pk}/")["verdict"] is None


def test_list_has_no_verdicts(reader, deliver):
    deliver(error="Phone number does not exist")
    (listed,) = reader.read("/messages/")["results"]
    assert "verdict" not in listed


def test_verdict_costs_one_query_for_each_source(reader, report, django_assert_num_queries):
    message = report("SENT", minutes_ago=42)
    reader.read("/messages/")
    # As without a verdict (7), and: problems, queue, messages to others, aliases, messages to the
    # recipient.
    with django_assert_num_queries(12):
        reader.read(f"/messages/{message.pk}/")
