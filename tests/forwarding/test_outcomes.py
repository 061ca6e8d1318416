"""The limits of delivery threads, and the waits between retries."""

from datetime import timedelta

import pytest

from messages.domain.problems import Problem
from messages.forwarding.line_leases import LANES, LANES_FOR_FAILING, LANES_PER_HOST, Lanes
from messages.forwarding.outcomes import FIRST_WAIT, MAX_WAIT, Refusal, judge, wait_after
from messages.models.due import backoff
from messages.net import Answer, Failure

FAULT = Refusal(Problem.FAULT)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_2xx_answer_is_success(status):
    assert judge(Answer(status, None)) is None


@pytest.mark.parametrize("status", [101, 199, 300, 304, 400, 404, 418, 499, 500, 599, 999])
def test_other_answers_are_failures(status):
    assert judge(Answer(status, None)) is not None


def test_every_failure_has_a_message():
    assert {failure.value for failure in Failure} <= set(Problem.values)


def test_waits_grow_up_to_a_limit():
    waits = [backoff(tries, FIRST_WAIT, MAX_WAIT) for tries in range(1, 100)]
    assert waits[:3] == [FIRST_WAIT, FIRST_WAIT * 2, FIRST_WAIT * 4]
    assert waits == sorted(waits)
    assert waits[-1] == backoff(10**9, FIRST_WAIT, MAX_WAIT) == MAX_WAIT


def test_jitter_is_at_most_half():
    waits = [wait_after(1, FAULT) for _ in range(200)]
    assert FIRST_WAIT / 2 <= min(waits) < max(waits) <= FIRST_WAIT


def test_retry_after_only_lengthens_wait():
    short, long = (Refusal(Problem.TOO_MANY, 429, timedelta(seconds=n)) for n in (1, 90))
    assert wait_after(1, short) >= FIRST_WAIT / 2
    assert wait_after(1, long) == timedelta(seconds=90)


def admitted(lanes, hosts, *, is_failing=False):
    return sum(lanes.admit(host, is_failing) for host in hosts)


def test_one_host_cannot_use_all_threads():
    lanes = Lanes()
    assert admitted(lanes, ["dead"] * 100) == LANES_PER_HOST
    assert admitted(lanes, [f"host{n}" for n in range(100)]) == LANES - LANES_PER_HOST


def test_failing_lines_cannot_use_all_threads():
    lanes = Lanes()
    hosts = [f"host{n}" for n in range(100)]
    assert admitted(lanes, hosts, is_failing=True) == LANES_FOR_FAILING
    assert admitted(lanes, hosts) == LANES - LANES_FOR_FAILING
