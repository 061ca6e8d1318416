"""The callbacks of the simulator: repeatable, and with the peculiarities of real traffic."""

import json
from collections import Counter
from itertools import islice, pairwise

import pytest

from messages.domain.failures import FAILURES, FailureCategory, find_failure
from messages.domain.statuses import Status
from messages.simulator.scenarios import ScheduledCallback, history, live, own_number
from messages.zapi.payloads import ConnectionReport, ParsedCallback, StatusReport, parse

NOW = 1_790_000_000.0


def parsed(callback: ScheduledCallback) -> ParsedCallback:
    return parse(json.dumps(callback.payload).encode())


@pytest.fixture(scope="module")
def callbacks() -> list[ScheduledCallback]:
    return history("ABC", seed=1, now=NOW, messages=600)


@pytest.fixture(scope="module")
def reports(callbacks) -> list[StatusReport]:
    found = [parsed(callback).report for callback in callbacks]
    return [report for report in found if isinstance(report, StatusReport)]


def test_same_seed_gives_the_same_callbacks(callbacks):
    assert history("ABC", seed=1, now=NOW, messages=600) == callbacks
    assert history("ABC", seed=2, now=NOW, messages=600) != callbacks


def test_history_has_no_callback_in_the_future(callbacks):
    assert all(callback.at <= NOW for callback in callbacks)


def test_live_callbacks_are_in_order_of_arrival():
    stream = islice(live("ABC", seed=1, started=NOW, rate=2), 1000)
    assert all(before.at <= after.at for before, after in pairwise(stream))


def test_live_callbacks_keep_their_rate():
    last = list(islice(live("ABC", seed=1, started=NOW, rate=2), 2000))[-1]
    assert 600 < last.at - NOW < 1600


def test_higher_rate_shortens_the_scenarios():
    callbacks = islice(live("ABC", seed=1, started=NOW, rate=100), 300)
    assert any(callback.payload.get("status") == "READ" for callback in callbacks)


def test_history_contains_every_status(reports):
    assert {report.status for report in reports} == set(Status) - {Status.PENDING}


def test_callback_names_its_instance(callbacks):
    assert {parsed(callback).instance_id for callback in callbacks} == {"ABC"}


def test_history_contains_lost_and_restored_connections(callbacks):
    found = [parsed(callback).report for callback in callbacks]
    connections = [report.connected for report in found if isinstance(report, ConnectionReport)]
    assert set(connections) == {True, False}


@pytest.mark.parametrize(
    "quirk",
    [
        lambda report: len(report.message_ids) > 1,
        lambda report: report.is_group and report.participant,
        lambda report: report.phone.endswith("@lid") and not report.is_group,
        lambda report: report.participant and len(report.participant) == 15,
        lambda report: report.device == 12,
        lambda report: report.status is Status.FAILED and not find_failure(report.reason),
        lambda report: report.phone == "status@broadcast" and report.participant,
        lambda report: report.reason and report.message_ids == (report.zaap_id,),
        lambda report: report.phone.endswith("@newsletter"),
        lambda report: report.phone.endswith("-broadcast") and report.participant,
        lambda report: report.status is Status.READ_BY_ME and len(report.momment) == 16,
    ],
    ids=[
        *("several ids", "group", "lid", "bare lid", "second device"),
        *("unknown reason", "own status"),
        *("one id of a failure", "channel", "broadcast", "microseconds"),
    ],
)
def test_history_contains_each_peculiarity(reports, quirk):
    assert any(quirk(report) for report in reports)


def test_history_contains_duplicates(callbacks):
    copies = Counter(json.dumps(callback.payload) for callback in callbacks)
    assert max(copies.values()) > 1


def test_history_contains_callbacks_out_of_order(reports):
    moments = [report.occurred_at for report in reports]
    assert moments != sorted(moments)


def test_failures_have_every_other_reason():
    callbacks = history("ABC", seed=1, now=NOW, messages=20_000)
    found = {find_failure(one.payload["error"]) for one in callbacks if "error" in one.payload}
    restricted = FailureCategory.RESTRICTED
    assert {one for one in FAILURES.values() if one.category is not restricted} <= found


def failures_of(callbacks):
    return [
        failure.category
        for failure in (find_failure(one.payload.get("error", "")) for one in callbacks)
        if failure
    ]


def test_restriction_begins_before_the_start_and_ends_after_it():
    past = history("ABC", seed=1, now=NOW, messages=600, case="restricted")
    lately = [one for one in past if one.payload["momment"] / 1000 > NOW - 1200]
    refused = [one for one in lately if one.payload["type"] == "DeliveryCallback"]
    assert set(failures_of(refused)) == {FailureCategory.RESTRICTED}
    assert any(one.payload.get("errorCode") == "SHADOW_BAN" for one in refused)
    later = islice(live("ABC", seed=1, started=NOW, rate=2, case="restricted"), 20_000)
    assert any(one.payload.get("status") == "SENT" for one in later)


def test_disconnected_instance_reports_nothing_afterwards():
    past = history("ABC", seed=1, now=NOW, messages=600, case="disconnected")
    lost = max(one.at for one in past if one.payload["type"] == "DisconnectedCallback")
    started = [one.at for one in past if one.payload["type"] == "DeliveryCallback"]
    assert lost <= NOW - 2400
    assert NOW - 3600 < max(started) < NOW


def test_silent_instance_reports_nothing_for_three_hours():
    past = history("ABC", seed=1, now=NOW, messages=600, case="silent")
    assert NOW - 6 * 3600 < max(one.at for one in past) <= NOW - 3 * 3600
    assert not list(live("ABC", seed=1, started=NOW, rate=2, case="silent"))


def test_own_number_never_changes():
    told = [*history("ABC", seed=1, now=NOW, messages=600)]
    told += islice(live("ABC", seed=2, started=NOW, rate=2), 3000)
    restored = [one for one in told if one.payload["type"] == "ConnectedCallback"]
    assert {one.payload["phone"] for one in restored} == {own_number("ABC")}


def test_instance_without_receipts_is_never_read():
    past = history("ABC", seed=1, now=NOW, messages=300, case="receipts-off")
    statuses = {one.payload.get("status") for one in past}
    assert "RECEIVED" in statuses
    assert not statuses & {"READ", "PLAYED"}


@pytest.mark.parametrize(
    "member", ["referenceMessageId", "reaction", "pollVote", "buttonsResponseMessage", "text"]
)
def test_contacts_answer_in_every_way(callbacks, member):
    assert any(member in one.payload for one in callbacks)
