"""The merge rules as properties: any order and any duplicates give the same rows."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messages.ingest import Delivery, new_delivery_id, record
from messages.models import Callback, Instance, Message, StatusEvent
from tests.plugins.webhook import ZAPI_ID

ARRIVAL = datetime(2026, 11, 22, 9, 14, tzinfo=UTC)
EPOCH = 1_795_338_000_000

PHONES = ["5544999999999", "554499999999", "998877665544332@lid", "120363-group", ""]
callbacks = st.fixed_dictionaries(
    {
        "type": st.just("MessageStatusCallback"),
        "status": st.sampled_from(
            ["PENDING", "SENT", "FAILED", "RECEIVED", "READ", "PLAYED", "READ_BY_ME", "EDITED"]
        ),
        "ids": st.lists(st.sampled_from("ABC"), min_size=1, max_size=3),
        "momment": st.integers(0, 5).map(lambda n: EPOCH + n * 1000) | st.sampled_from([None, "x"]),
        "phone": st.sampled_from(PHONES),
        "participant": st.sampled_from(["", "5561"]),
        "error": st.sampled_from([None, "blocked", "offline"]),
    }
) | st.fixed_dictionaries(
    {
        "type": st.just("DeliveryCallback"),
        "messageId": st.sampled_from("ABC"),
        "zaapId": st.sampled_from("XY"),
        "momment": st.integers(0, 5).map(lambda n: EPOCH + n * 1000),
        "phone": st.sampled_from(PHONES),
        "error": st.sampled_from([None, "Phone number does not exist"]),
    }
)

# Arrival times and ids may differ, and so may the time of an event without a momment.
MESSAGE_FIELDS = [
    field.attname
    for field in Message._meta.concrete_fields
    if field.attname not in ("id", "instance_id", "first_heard_at")
]
EVENT_FIELDS = [
    field.attname
    for field in StatusEvent._meta.concrete_fields
    if field.attname not in ("id", "message_id", "received_at", "callback_id", "repeats")
]


def apply(sequence):
    """Empty the tables, then store the callbacks with the same arrival time."""
    Callback.objects.all().delete()
    Message.objects.all().delete()
    for payload in sequence:
        body = json.dumps(payload).encode()
        record(Delivery(new_delivery_id(), ZAPI_ID, 1, ARRIVAL, body))


def stored_rows():
    events = StatusEvent.objects.order_by("message__zapi_id", *EVENT_FIELDS)
    return (
        list(Message.objects.order_by("zapi_id").values(*MESSAGE_FIELDS)),
        list(events.values("message__zapi_id", *EVENT_FIELDS)),
    )


class TestAnyOrder:
    @given(
        sequences=st.lists(callbacks, max_size=8).flatmap(
            lambda drawn: st.tuples(st.just(drawn), st.permutations(drawn))
        )
    )
    @settings(max_examples=60)
    def test_callbacks_in_any_order_give_the_same_rows(self, instance: Instance, sequences):
        first, second = sequences
        apply(first)
        in_order = stored_rows()
        apply(second)
        assert stored_rows() == in_order

    @given(sequence=st.lists(callbacks, max_size=6), copies=st.integers(1, 4))
    @settings(max_examples=40)
    def test_duplicates_change_only_repeats(self, instance: Instance, sequence, copies):
        apply(sequence)
        once = stored_rows()
        apply(sequence * copies)
        assert stored_rows() == once


def send(status, momment=EPOCH, arrival=ARRIVAL, **more):
    payload = {"type": "MessageStatusCallback", "status": status, "ids": ["M"], "momment": momment}
    body = json.dumps(payload | {"phone": PHONES[0]} | more).encode()
    return record(Delivery(new_delivery_id(), ZAPI_ID, 1, arrival, body))


def test_status_never_goes_back(instance):
    send("READ")
    send("SENT", momment=EPOCH + 5000)
    assert Message.objects.get().status == "READ"


def test_step_keeps_its_earliest_time(instance):
    send("RECEIVED", momment=EPOCH + 9000)
    send("RECEIVED", momment=EPOCH)
    send("RECEIVED", momment=EPOCH + 3000)
    assert Message.objects.get().delivered_at == datetime.fromtimestamp(EPOCH / 1000, UTC)


def test_failure_after_delivery_does_not_change_the_status(instance):
    send("RECEIVED")
    send("FAILED", error="blocked")
    message = Message.objects.get()
    assert (message.status, message.failure) == ("RECEIVED", "blocked")


def test_message_with_only_read_by_me_is_inbound(instance):
    send("READ_BY_ME")
    assert Message.objects.get().inbound


def test_message_with_a_step_of_the_contact_is_outbound(instance):
    send("READ_BY_ME")
    send("RECEIVED")
    assert not Message.objects.get().inbound


def test_participants_in_the_same_second_have_separate_events(instance):
    for participant in ("5561", "5562"):
        send("PLAYED", phone="120363-group", participant=participant)
    assert StatusEvent.objects.count() == 2


def test_invalid_momment_is_replaced_by_the_arrival_and_marked(instance):
    send("READ", momment="soon")
    event = StatusEvent.objects.get()
    assert (event.occurred_at, event.time_is_arrival, event.momment) == (ARRIVAL, True, "soon")


def test_momment_in_the_future_is_replaced(instance):
    send("READ", momment=EPOCH + 40 * 24 * 3600 * 1000)
    assert StatusEvent.objects.get().time_is_arrival


def test_late_duplicate_without_a_time_changes_nothing(instance):
    send("READ", momment=None)
    before = Message.objects.values().get()
    send("READ", momment=None, arrival=ARRIVAL + timedelta(hours=3))
    after = Message.objects.values().get()
    assert after == before


@pytest.mark.parametrize("order", [(0, 2), (2, 0)])
def test_number_is_preferred_to_a_lid(instance, order):
    for place in order:
        send("SENT", phone=PHONES[place])
    message = Message.objects.get()
    assert (message.phone, message.several) == (PHONES[0], True)


@pytest.mark.django_db(transaction=True)
def test_same_delivery_is_stored_once(instance):
    body = json.dumps({"type": "MessageStatusCallback", "status": "SENT", "ids": ["M"]}).encode()
    delivery = Delivery(new_delivery_id(), ZAPI_ID, 1, ARRIVAL, body)
    record(delivery)
    record(delivery)
    assert (Callback.objects.count(), StatusEvent.objects.get().repeats) == (1, 0)
