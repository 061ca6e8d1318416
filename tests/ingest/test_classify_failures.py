"""The worker gives old messages the codes of a larger catalogue."""

import pytest

from messages.ingest import classify_failures
from messages.models import Message


@pytest.mark.parametrize("old", ["", "unknown"])
def test_message_without_a_known_code_gets_the_code_of_its_text(post, old):
    post({"type": "DeliveryCallback", "messageId": "M", "error": "Phone number does not exist"})
    Message.objects.update(failure_code=old)
    assert classify_failures() == 1
    assert Message.objects.get().failure_code == "phone_number_does_not_exist"
    assert classify_failures() == 0


def test_message_that_was_delivered_after_all_stays_without_a_code(post):
    post({"type": "DeliveryCallback", "messageId": "M", "error": "Phone number does not exist"})
    post({"type": "MessageStatusCallback", "status": "RECEIVED", "ids": ["M"]})
    assert classify_failures() == 0
