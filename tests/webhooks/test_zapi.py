"""POST /webhooks/zapi/<key>/ through the real WSGI application."""

from messages.models import Callback, Message, StatusEvent
from messages.statuses import Status

SAMPLE = {
    "status": "SENT",
    "ids": ["999999999999999999999"],
    "momment": 1632234645000,
    "phone": "5544999999999",
    "type": "MessageStatusCallback",
    "instanceId": "instance.id",
}


def test_the_five_documented_callbacks_become_one_played_message(post):
    for status in ("SENT", "RECEIVED", "READ", "READ_BY_ME", "PLAYED"):
        assert post(SAMPLE | {"status": status}).status == 200
    message = Message.objects.get()
    assert message.status is Status.PLAYED
    assert message.events.count() == 5
    assert Callback.objects.filter(outcome="applied").count() == 5


def test_a_copy_changes_only_repeats(post):
    post(SAMPLE)
    before = Message.objects.values().get()
    assert post(SAMPLE).json() == {"outcome": "repeated"}
    assert Message.objects.values().get() == before
    assert StatusEvent.objects.get().repeats == 1
