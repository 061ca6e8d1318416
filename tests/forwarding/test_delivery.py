"""Deliveries to a receiver, over real HTTP."""

from datetime import timedelta

import pytest

from messages.domain.problems import Problem
from messages.forwarding.line_leases import LEASE, Lanes, claim
from messages.forwarding.outcomes import FIRST_WAIT, MAX_RETRY_AFTER, MAX_WAIT
from messages.jobs.follow_ups import follow_up
from messages.models import (
    FollowUp,
    Forward,
    ForwardLine,
    ForwardState,
    WebhookKind,
)
from tests.plugins.forwarding import forward, forwarding, status, store
from tests.plugins.receiver import Reply, receiving

TOKEN = "token-of-the-instance"

forwards_statuses = pytest.mark.usefixtures("forwards")


@forwards_statuses
def test_callback_is_forwarded_unchanged(instance, receiver):
    body = (
        b'{ "type":"MessageStatusCallback",\n"status":"SENT","ids":["\\u0041"], "x": "\xc3\xa7" }\n'
    )
    (delivery,) = store(instance, body)
    assert forward() == 1
    (received,) = receiver.received
    assert received.body == body
    assert received.headers == {
        "host": f"127.0.0.1:{receiver.port}",
        "accept-encoding": "identity",
        "content-length": str(len(body)),
        "content-type": "application/json",
        "user-agent": "Statusboard",
        "x-statusboard-delivery": delivery,
    }
    assert not Forward.objects.exists()
    assert not FollowUp.objects.exists()


@forwards_statuses
def test_callbacks_are_forwarded_in_order(instance, receiver):
    bodies = [status(number) for number in range(120)]
    store(instance, *bodies)
    assert forward() == 120
    assert receiver.bodies == bodies


def test_nothing_is_queued_when_forwarding_is_off(instance):
    store(instance, status())
    assert forward() == 0
    assert not FollowUp.objects.exists()
    assert not Forward.objects.exists()


def test_token_is_forwarded_only_if_enabled(instance, receiver):
    forwarding(instance, receiver.url)
    store(instance, status(1))
    forward()
    forwarding(instance, receiver.url, forwards_token=True)
    store(instance, status(2))
    forward()
    tokens = [received.headers.get("z-api-token") for received in receiver.received]
    assert tokens == [None, TOKEN]


def test_token_is_not_stored_or_logged(instance, receiver, settings, capfd, caplog):
    caplog.set_level(0)
    forwarding(instance, receiver.url, forwards_token=True)
    store(instance, status())
    receiver.replies = [Reply(500, body=TOKEN.encode()), Reply(302, {"Location": f"/{TOKEN}"})]
    for _ in range(3):
        forward()
        ForwardLine.objects.update(next_try_at="2000-01-01T00:00Z")
    assert receiver.received[-1].headers["z-api-token"] == TOKEN
    output = caplog.text + "".join(capfd.readouterr())
    assert "cannot forward" in output
    assert TOKEN not in output
    assert TOKEN not in str(list(ForwardLine.objects.values())) + str(
        list(Forward.objects.values())
    )


def test_unreadable_token_stops_line(instance, receiver, settings):
    webhook = forwarding(instance, receiver.url, forwards_token=True)
    store(instance, status())
    settings.FIELD_ENCRYPTION_KEYS = ["bm90LXRoZS1rZXktaXQtd2FzLXN0b3JlZC13aXRoLS0="]
    assert forward() == 0
    webhook.forward_line.refresh_from_db()
    assert webhook.forward_line.problem == Problem.NO_TOKEN
    assert Forward.objects.waiting().count() == 1


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (302, Problem.REDIRECTS),
        (308, Problem.REDIRECTS),
        (401, Problem.FORBIDS),
        (403, Problem.FORBIDS),
        (404, Problem.NOT_THERE),
        (410, Problem.NOT_THERE),
        (429, Problem.TOO_MANY),
        (500, Problem.FAULT),
        (503, Problem.FAULT),
        (504, Problem.TOO_SLOW),
        (418, Problem.FAULT),
    ],
)
@forwards_statuses
def test_line_waits_when_receiver_fails(instance, receiver, clock, answer, problem):
    receiver.reply = Reply(answer, {"Location": "https://elsewhere.example.com/"})
    store(instance, status(1), status(2))
    assert forward(clock) == 0
    assert len(receiver.received) == 1
    line = ForwardLine.objects.get()
    assert (line.problem, line.status, line.tries) == (problem, answer, 1)
    assert Forward.objects.waiting().count() == 2


@pytest.mark.parametrize("answer", [400, 413, 415, 422])
@forwards_statuses
def test_rejected_callback_fails_and_line_continues(instance, receiver, clock, answer):
    receiver.replies = [Reply(), Reply(answer)]
    store(instance, status(1), status(2), status(3))
    assert forward(clock) == 2
    refused = Forward.objects.given_up().get()
    assert bytes(refused.body) == status(2)
    assert (refused.problem, refused.status) == (Problem.REFUSES, answer)
    assert ForwardLine.objects.get().problem == ""


@forwards_statuses
def test_waits_between_retries_grow(instance, receiver, clock):
    receiver.reply = Reply(500)
    store(instance, status())
    waits = []
    for _ in range(12):
        forward(clock)
        line = ForwardLine.objects.get()
        waits.append(line.next_try_at - clock.now)
        assert forward(clock) == 0  # nothing is due yet
        clock.now = line.next_try_at
    assert len(receiver.received) == 12
    assert FIRST_WAIT / 2 <= waits[0] <= FIRST_WAIT
    assert FIRST_WAIT * 2 <= waits[3] <= FIRST_WAIT * 8
    assert all(MAX_WAIT / 2 <= wait <= MAX_WAIT for wait in waits[-4:])
    assert len(set(waits)) == len(waits)
    receiver.reply = Reply()
    assert forward(clock) == 1
    line.refresh_from_db()
    assert (line.tries, line.failing_since, line.problem) == (0, None, "")


@pytest.mark.parametrize(
    ("wish", "wait"),
    [("600", timedelta(minutes=10)), ("9" * 20, MAX_RETRY_AFTER), ("0", None), ("soon", None)],
)
@forwards_statuses
def test_retry_after_is_followed_up_to_a_limit(instance, receiver, clock, wish, wait):
    receiver.reply = Reply(503, {"Retry-After": wish})
    store(instance, status())
    forward(clock)
    waits = ForwardLine.objects.get().next_try_at - clock.now
    assert waits == wait if wait else waits <= FIRST_WAIT


@forwards_statuses
def test_callback_waiting_for_a_day_fails(instance, receiver, clock):
    receiver.reply = Reply(500)
    store(instance, status(1))
    forward(clock)
    clock.advance(hours=2)
    store(instance, status(2))
    forward(clock)
    clock.advance(hours=21, minutes=59)
    forward(clock)
    assert Forward.objects.waiting().count() == 2
    clock.advance(minutes=16)
    forward(clock)
    given_up = Forward.objects.given_up().get()
    assert bytes(given_up.body) == status(1)
    assert (given_up.problem, given_up.status) == (Problem.FAULT, 500)
    clock.advance(hours=2)
    receiver.reply = Reply()
    assert forward(clock) == 1
    assert receiver.bodies[-1] == status(2)


@forwards_statuses
def test_callback_is_tried_before_it_fails_when_no_worker_ran(instance, receiver, clock):
    receiver.replies = [Reply(500)]
    store(instance, status())
    forward(lambda: clock.now - timedelta(seconds=30))  # queues the callback; it is not due yet
    clock.advance(days=2)
    assert forward(clock) == 0
    assert Forward.objects.waiting().count() == 1
    clock.advance(minutes=1)
    assert forward(clock) == 1


@forwards_statuses
def test_failed_callbacks_can_be_queued_again(instance, receiver, clock):
    receiver.reply = Reply(400)
    store(instance, status())
    forward(clock)
    receiver.reply = Reply()
    clock.advance(days=3)
    assert Forward.objects.put_back() == 1
    assert Forward.objects.get().state == ForwardState.WAITING
    assert forward(clock) == 1


def test_dead_receiver_does_not_delay_others(instance, receiver):
    with receiving() as slow:
        slow.reply = Reply(delay=2.0)
        forwarding(instance, slow.url)
        forwarding(instance, receiver.url, WebhookKind.DELIVERY)
        delivery = b'{"type":"DeliveryCallback","messageId":"M","zaapId":"Z","phone":"55"}'
        store(instance, status(), *[delivery] * 60)
        assert forward() == 61
        assert len(slow.received) == 1
        # All 60 callbacks arrive in several batches while the other receiver has not responded.
        assert receiver.received[-1].at < slow.received[0].at + 1.5


@forwards_statuses
def test_leased_line_is_not_leased_again(instance, clock):
    store(instance, status())
    follow_up()
    assert len(claim(clock.now, Lanes())) == 1
    assert claim(clock.now, Lanes()) == []
    clock.advance(seconds=LEASE.total_seconds())
    assert len(claim(clock.now, Lanes())) == 1
