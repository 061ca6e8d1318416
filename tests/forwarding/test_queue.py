"""Which callbacks are queued for forwarding, and in which queue."""

import json

import pytest
from django.db import transaction

from messages.forwarding import drop_unwanted
from messages.jobs.follow_ups import BATCH, follow_up
from messages.models import Callback, FollowUp, Forward, ForwardLine, WebhookKind
from tests.plugins.forwarding import forwarding, status, store

HERE = "https://crm.example.com/hook"
ELSEWHERE = "https://other.example.com/hook"
SAMPLES = {
    WebhookKind.MESSAGE_STATUS: status(),
    WebhookKind.DELIVERY: b'{"type":"DeliveryCallback","messageId":"M","phone":"55"}',
    WebhookKind.CONNECTED: b'{"type":"ConnectedCallback","connected":true}',
    WebhookKind.DISCONNECTED: b'{"type":"DisconnectedCallback","disconnected":true}',
}
INBOUND = b'{"type":"ReceivedCallback","messageId":"M","text":{"message":"Oi"}}'


def lined_up():
    follow_up()
    return [(one.webhook.kind, bytes(one.body)) for one in Forward.objects.in_order()]


@pytest.mark.parametrize("kind", WebhookKind.values)
def test_each_kind_has_its_own_line(instance, kind):
    forwarding(instance, HERE, kind)
    store(instance, *SAMPLES.values())
    assert lined_up() == [(kind, SAMPLES[WebhookKind(kind)])]


def test_repeated_callbacks_are_forwarded(instance):
    forwarding(instance, HERE)
    store(instance, status(), status())
    assert len(lined_up()) == 2


def test_inbound_message_goes_to_single_receiver(instance):
    for kind in WebhookKind.values:
        forwarding(instance, HERE, kind)
    store(instance, INBOUND)
    assert lined_up() == [(WebhookKind.MESSAGE_STATUS, INBOUND)]
    assert bytes(Callback.objects.get().body) == b""


def test_inbound_message_is_not_forwarded_with_several_receivers(instance):
    for kind in WebhookKind.values:
        forwarding(instance, ELSEWHERE if kind == WebhookKind.DELIVERY else HERE, kind)
    store(instance, INBOUND)
    assert lined_up() == []


def test_inbound_message_goes_to_both_possible_webhooks(instance):
    forwarding(instance, HERE, "received")
    forwarding(instance, ELSEWHERE, "received-delivery")
    store(instance, INBOUND)
    assert sorted(lined_up()) == [("received", INBOUND), ("received-delivery", INBOUND)]


def test_receiver_of_both_webhooks_gets_inbound_message_once(instance):
    forwarding(instance, HERE, "received")
    forwarding(instance, HERE, "received-delivery")
    store(instance, INBOUND)
    assert len(lined_up()) == 1


def test_unknown_type_goes_to_webhook_of_same_name(instance):
    forwarding(instance, HERE, "editedWebhookUrl")
    forwarding(instance, ELSEWHERE, "initial-data")
    edited, initial = b'{"type":"EditedCallback"}', b'{"type":"InitialDataCallback"}'
    store(instance, edited, initial, b'{"type":"ProxyCallback"}')
    assert lined_up() == [("editedWebhookUrl", edited), ("initial-data", initial)]


def test_inbound_message_is_not_forwarded_when_some_kinds_are_off(instance):
    forwarding(instance, HERE)
    store(instance, INBOUND)
    assert FollowUp.objects.get().body is None
    assert lined_up() == []


def test_inbound_message_without_body_is_not_forwarded(instance):
    store(instance, INBOUND)
    for kind in WebhookKind.values:
        forwarding(instance, HERE, kind)
    assert lined_up() == []


@pytest.mark.parametrize(
    "body", [b"not JSON", b'{"status":"SENT"}', status(instanceId="somebody else's")]
)
def test_quarantined_callback_is_not_forwarded(instance, body):
    forwarding(instance, HERE)
    store(instance, body)
    assert Callback.objects.get().outcome == "quarantined"
    assert lined_up() == []


def test_purged_callback_is_not_forwarded(instance):
    forwarding(instance, HERE)
    store(instance, status(1), status(2))
    Callback.objects.filter(pk=Callback.objects.earliest("pk").pk).delete()
    Callback.objects.update(body=b"")
    assert lined_up() == []


def test_line_is_created_for_webhook_set_by_hand(instance):
    webhook = forwarding(instance, HERE)
    ForwardLine.objects.all().delete()
    store(instance, status())
    lined_up()
    assert ForwardLine.objects.get().webhook == webhook


def test_instances_have_separate_lines(instance):
    forwarding(instance, HERE)
    other = type(instance).objects.create(account=instance.account, name="B", zapi_id="other")
    forwarding(other, ELSEWHERE)
    store(instance, status(1))
    store(other, status(2))
    follow_up()
    found = {one.webhook.forward_to: bytes(one.body) for one in Forward.objects.all()}
    assert found == {HERE: status(1), ELSEWHERE: status(2)}


def heard_before(instance):
    """Post a callback first, because the first callback of a webhook needs more queries."""
    store(instance, status(99))
    follow_up()


def test_batch_needs_few_queries(instance, django_assert_max_num_queries):
    forwarding(instance, HERE)
    heard_before(instance)
    store(instance, *(status(number) for number in range(30)))
    # Queries: check, BEGIN, claim, delete, forwarding webhooks, bodies, lines, outbox, bodies and
    # messages for aliases, touched hours, webhooks, COMMIT.
    with django_assert_max_num_queries(16):
        assert follow_up() == 30


def test_batch_needs_fewer_queries_when_forwarding_is_off(instance, django_assert_max_num_queries):
    heard_before(instance)
    store(instance, *(status(number) for number in range(30)))
    with django_assert_max_num_queries(13):
        assert follow_up() == 30


def test_run_processes_more_than_one_batch(instance):
    FollowUp.objects.bulk_create(
        FollowUp(callback_id=callback, instance=instance, type="X")
        for callback in [Callback().pk for _ in range(2 * BATCH + 1)]
    )
    assert follow_up() == 2 * BATCH + 1
    assert follow_up() == 0


def test_failed_batch_is_retried(instance):
    forwarding(instance, HERE)
    store(instance, status())
    with transaction.atomic():
        follow_up()
        transaction.set_rollback(True)
    assert not Forward.objects.exists()
    assert json.loads(lined_up()[0][1])["ids"] == ["M0"]


def test_callbacks_queued_while_turning_off_are_deleted(instance):
    webhook = forwarding(instance, HERE)
    forwarding(instance, HERE, WebhookKind.DELIVERY)
    store(instance, *SAMPLES.values())
    follow_up()
    # Another process turns forwarding off between the worker's query and its commit.
    type(webhook).objects.filter(pk=webhook.pk).update(forward_to="")
    assert drop_unwanted() == 1
    assert lined_up() == [(WebhookKind.DELIVERY, SAMPLES[WebhookKind.DELIVERY])]
