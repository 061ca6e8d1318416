"""Turn forwarding on and off, and report its state."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from messages.domain.problems import Problem
from messages.forwarding import forwarding_state, set_forwarding
from messages.instances.webhook_urls import webhook_url
from messages.jobs.follow_ups import follow_up
from messages.models import Forward, ForwardLine, Webhook, WebhookKind
from tests.plugins.forwarding import forward, forwarding, status, store
from tests.plugins.receiver import Reply, receiving

HERE = "https://crm.example.com/hook"


@pytest.fixture
def webhook(instance):
    return Webhook.objects.create(instance=instance, kind=WebhookKind.MESSAGE_STATUS)


def test_forwarding_can_be_turned_on(webhook):
    set_forwarding(webhook, f"  {HERE}\n", forwards_token=True)
    webhook.refresh_from_db()
    assert (webhook.forward_to, webhook.forwards_token) == (HERE, True)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://crm.example.com/", "must start with https"),
        ("https://localhost/", "private network"),
        ("https://169.254.169.254/latest/meta-data", "private network"),
        ("https://user:secret@crm.example.com/", "user name or password"),
        ("crm", "complete URL"),
        (f"https://crm.example.com/{'a' * 500}", "longer than 500 characters"),
    ],
)
def test_invalid_url_is_refused(webhook, settings, url, words):
    settings.FORWARD_ALLOW_PRIVATE = False
    with pytest.raises(ValidationError, match=words) as refused:
        set_forwarding(webhook, url)
    webhook.refresh_from_db()
    assert webhook.forward_to == ""
    assert "secret" not in str(refused.value)


def test_own_webhook_url_is_refused(webhook, instance):
    for url in (
        webhook_url(instance),
        webhook_url(instance).replace("board.", "alias."),
        webhook_url(instance) + "?a=b",
    ):
        with pytest.raises(ValidationError, match="a loop"):
            set_forwarding(webhook, url)


def test_host_name_is_resolved_only_when_sending(webhook, settings, instance):
    """E.g. localtest.me, a public name of 127.0.0.1."""
    settings.FORWARD_ALLOW_PRIVATE = False
    set_forwarding(webhook, "https://crm.invalid/hook")
    store(instance, status())
    assert forward() == 0
    assert ForwardLine.objects.get().problem == Problem.UNREACHABLE


def test_private_url_is_not_called_after_setting_is_off(instance, receiver, settings):
    forwarding(instance, receiver.url)
    store(instance, status())
    settings.FORWARD_ALLOW_PRIVATE = False
    assert forward() == 0
    assert receiver.received == []
    assert ForwardLine.objects.get().problem == Problem.UNSAFE


def test_waiting_callbacks_go_to_new_url_at_once(instance, receiver, clock):
    with receiving() as former:
        former.reply = Reply(500)
        webhook = forwarding(instance, former.url)
        store(instance, status(), status(1, instanceId=instance.zapi_id))
        forward(clock)
        assert len(former.received) == 1
        set_forwarding(webhook, receiver.url)
        assert forward(clock) == 2
        assert len(former.received) == 1


def test_turning_off_deletes_waiting_callbacks(instance, webhook):
    set_forwarding(webhook, HERE, forwards_token=True)
    store(instance, status())
    follow_up()
    set_forwarding(webhook, "", forwards_token=True)
    webhook.refresh_from_db()
    assert (webhook.forward_to, webhook.forwards_token) == ("", False)
    assert not Forward.objects.exists()
    assert forwarding_state(instance) == []


def test_state_counts_waiting_and_failed_callbacks(instance, receiver, clock):
    webhook = forwarding(instance, receiver.url)
    forwarding(instance, HERE, WebhookKind.DELIVERY)
    receiver.replies = [Reply(400), Reply(500)]
    store(instance, *(status(number) for number in range(3)))
    started = clock.now
    forward(clock)
    clock.advance(hours=1)
    delivery, statuses = forwarding_state(instance)
    assert (delivery.waiting, delivery.oldest, delivery.given_up) == (0, None, 0)
    assert (statuses.waiting, statuses.oldest, statuses.given_up) == (2, started, 1)
    assert statuses.webhook == webhook
    assert statuses.line
    assert statuses.line.problem == Problem.FAULT
    assert statuses.line.failing_since == started


def test_counts_have_a_limit(instance, webhook, django_assert_num_queries):
    set_forwarding(webhook, HERE)
    Forward.objects.bulk_create(
        Forward(
            webhook=webhook,
            callback_id=f"00000000-0000-7000-8000-{number:012d}",
            body=b"{}",
            waiting_since=timezone.now() - timedelta(minutes=number),
        )
        for number in range(1500)
    )
    with django_assert_num_queries(4):
        (state,) = forwarding_state(instance)
    assert state.waiting == 1001
