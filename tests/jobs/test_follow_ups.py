"""A callback that cannot be processed does not block the others."""

import pytest
from django.db import OperationalError

from messages.ingest.callback_batch import CallbackBatch
from messages.jobs import follow_ups
from messages.jobs.follow_ups import follow_up
from messages.models import FollowUp

STATUS = {"type": "MessageStatusCallback", "status": "READ", "ids": ["M"]}
OF_NO_USE = STATUS | {"ids": ["POISON"]}


class Consumer:
    """Fails for one callback and records the others."""

    def __init__(self, fails_at: FollowUp, error: Exception) -> None:
        self.fails_at, self.error = fails_at, error
        self.heard: list[int] = []

    def __call__(self, batch: CallbackBatch) -> None:
        if self.fails_at in batch.follow_ups:
            raise self.error
        self.heard += [one.pk for one in batch.follow_ups]


@pytest.fixture
def consumer_failing_with(monkeypatch, post):
    def make(error: Exception) -> Consumer:
        for body in (STATUS, OF_NO_USE, STATUS):
            post(body)
        consumer = Consumer(FollowUp.objects.order_by("id")[1], error)
        monkeypatch.setattr(follow_ups, "CONSUMERS", (consumer,))
        return consumer

    return make


def test_failing_follow_up_does_not_block_others(consumer_failing_with):
    consumer = consumer_failing_with(ValueError("never seen before"))
    before, _, after = FollowUp.objects.order_by("id").values_list("pk", flat=True)
    assert follow_up() == 3
    assert consumer.heard == [before, after]


def test_failing_follow_up_is_set_aside(consumer_failing_with, caplog):
    consumer = consumer_failing_with(ValueError("never seen before"))
    follow_up()
    assert FollowUp.objects.set_aside().get() == consumer.fails_at
    assert str(consumer.fails_at.callback_id) in caplog.text
    assert follow_up() == 0


def test_unavailable_database_sets_nothing_aside(consumer_failing_with):
    consumer_failing_with(OperationalError("connection refused"))
    with pytest.raises(OperationalError):
        follow_up()
    assert FollowUp.objects.waiting().count() == 3
