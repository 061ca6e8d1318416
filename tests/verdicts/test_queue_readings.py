"""The worker asks Z-API's queue about stuck messages."""

from datetime import timedelta

import pytest
from django.utils import timezone

from messages.models import Instance, QueueReading
from messages.verdicts import read_queues


@pytest.fixture
def stuck(report):
    return report("SENT", minutes_ago=42)


def asked(zapi):
    return sum(call.path.endswith("/queue") for call in zapi.calls)


def test_stuck_message_is_looked_for(stuck, zapi):
    assert read_queues() == 1
    reading = QueueReading.objects.get()
    assert (reading.zapi_id, reading.ahead) == (stuck.zapi_id, None)
    assert reading.read_at


@pytest.mark.parametrize("steps", [("SENT", "RECEIVED"), ("READ_BY_ME",)])
def test_queue_is_not_read_without_stuck_messages(report, zapi, steps):
    report(*steps, minutes_ago=42)
    assert read_queues() == 0
    assert not zapi.calls


def test_queue_of_an_archived_instance_is_not_read(stuck, zapi):
    Instance.objects.update(archived_at=timezone.now())
    assert read_queues() == 0
    assert not zapi.calls


@pytest.mark.parametrize(
    ("minutes_ago", "calls"), [(9, 0), (10, 1), (-30, 1)], ids=["fresh", "old", "wrong clock"]
)
def test_queue_is_read_every_ten_minutes(stuck, zapi, minutes_ago, calls):
    read_queues()
    zapi.calls.clear()
    asked_at = timezone.now() - timedelta(minutes=minutes_ago)
    QueueReading.objects.update(asked_at=asked_at)
    read_queues()
    assert asked(zapi) == calls


def test_failing_queue_is_not_asked_at_every_run(stuck, zapi):
    zapi.answer_name = "fault"
    assert read_queues() == 0
    read_queues()
    assert asked(zapi) == 1
    assert QueueReading.objects.get().read_at is None


def test_old_readings_are_deleted(stuck, instance, zapi):
    week = timezone.now() - timedelta(days=7, seconds=1)
    QueueReading.objects.create(instance=instance, zapi_id="OLD", asked_at=week)
    read_queues()
    assert [one.zapi_id for one in QueueReading.objects.all()] == [stuck.zapi_id]
