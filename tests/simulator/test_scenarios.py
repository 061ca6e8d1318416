"""The stream of the stand-in: repeatable, and as odd as real traffic."""

import json
from collections import Counter
from itertools import islice, pairwise

import pytest

from messages.domain.statuses import Status
from messages.simulator.scenarios import Emission, history, live
from messages.zapi.payloads import ConnectionReport, ParsedCallback, StatusReport, parse

NOW = 1_790_000_000.0


def understood(emission: Emission) -> ParsedCallback:
    return parse(json.dumps(emission.payload).encode())


@pytest.fixture(scope="module")
def told() -> list[Emission]:
    return history("ABC", seed=1, now=NOW, messages=600)


@pytest.fixture(scope="module")
def reports(told) -> list[StatusReport]:
    found = [understood(emission).report for emission in told]
    return [report for report in found if isinstance(report, StatusReport)]


def test_the_same_seed_tells_the_same(told):
    assert history("ABC", seed=1, now=NOW, messages=600) == told
    assert history("ABC", seed=2, now=NOW, messages=600) != told


def test_history_ends_now(told):
    assert all(emission.at <= NOW for emission in told)


def test_the_live_stream_is_in_order_of_arrival():
    stream = islice(live("ABC", seed=1, started=NOW, rate=2), 1000)
    assert all(before.at <= after.at for before, after in pairwise(stream))


def test_the_live_stream_keeps_its_rate():
    last = list(islice(live("ABC", seed=1, started=NOW, rate=2), 2000))[-1]
    assert 600 < last.at - NOW < 1600


def test_a_higher_rate_tells_whole_stories_sooner():
    told = islice(live("ABC", seed=1, started=NOW, rate=100), 300)
    assert any(emission.payload.get("status") == "READ" for emission in told)


def test_every_status_is_told(reports):
    assert {report.status for report in reports} == set(Status) - {Status.PENDING}


def test_every_callback_names_its_instance(told):
    assert {understood(emission).instance_id for emission in told} == {"ABC"}


def test_connections_are_lost_and_found(told):
    found = [understood(emission).report for emission in told]
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
        lambda report: "likely shadow ban (SHADOW_BAN)" in report.reason,
        lambda report: report.reason and report.message_ids == (report.zaap_id,),
        lambda report: report.phone.endswith("@newsletter"),
        lambda report: report.phone.endswith("-broadcast") and report.participant,
        lambda report: report.status is Status.READ_BY_ME and len(report.momment) == 16,
    ],
    ids=[
        *("several ids", "group", "lid", "bare lid", "second device", "error code"),
        *("one id of a failure", "channel", "broadcast", "microseconds"),
    ],
)
def test_a_quirk_of_real_traffic_is_told(reports, quirk):
    assert any(quirk(report) for report in reports)


def test_some_callbacks_come_twice(told):
    copies = Counter(json.dumps(emission.payload) for emission in told)
    assert max(copies.values()) > 1


def test_some_callbacks_come_in_disorder(reports):
    moments = [report.occurred_at for report in reports]
    assert moments != sorted(moments)
