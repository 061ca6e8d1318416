"""Push and verify with a simulated Z-API over HTTP."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from messages.domain.problems import Problem
from messages.instances import push as module
from messages.instances.foreign_webhooks import leave_unchanged
from messages.instances.push import ANYTHING, push, push_wanted, queue_push, run_due_pushes
from messages.instances.rotation import rotate_key
from messages.instances.sync import webhooks_of
from messages.instances.verify import verify
from messages.instances.webhook_urls import webhook_url
from messages.models import Instance, Webhook, WebhookState
from messages.zapi.client import ZapiClient
from tests.plugins.zapi import FOREIGN_URL

KIND = "message-status"


def stored(kind: str = KIND) -> Webhook:
    return Webhook.objects.get(kind=kind)


def make_due() -> None:
    Webhook.objects.filter(kind=KIND).update(retry_at=timezone.now() - timedelta(seconds=1))


def set_at_zapi(instance: Instance, url: str) -> None:
    ZapiClient(instance.zapi_id, instance.token.reveal()).set_webhook(KIND, url)


def test_push_sets_the_url_and_reads_it_back(instance, zapi):
    push(instance)
    webhook = stored()
    assert zapi.instances[instance.zapi_id].urls[KIND] == webhook_url(instance)
    assert webhook.state == WebhookState.IN_SYNC
    assert webhook.pushed_url == webhook.found_url == webhook_url(instance)
    assert webhook.pushed_at
    assert webhook.checked_at
    assert webhook.checked_at >= webhook.pushed_at
    assert (webhook.problem, webhook.retry_at) == ("", None)


def test_push_reads_before_and_after_it_writes(instance, zapi):
    push(instance)
    assert [(call.method, call.path.rpartition("/")[2]) for call in zapi.calls] == [
        ("GET", "me"),
        ("PUT", "update-webhook-message-status"),
        ("GET", "me"),
    ]


def test_push_of_another_webhook_kind_sets_its_url(instance, zapi):
    push(instance, "delivery")
    assert set(zapi.instances[instance.zapi_id].urls) == {"delivery"}


def test_push_keeps_the_previous_url(instance, zapi):
    set_at_zapi(instance, FOREIGN_URL)
    assert push(instance, replacing=FOREIGN_URL).previous_url == FOREIGN_URL
    assert stored().previous_url == FOREIGN_URL


def test_failed_push_keeps_the_previous_url(instance, zapi):
    set_at_zapi(instance, FOREIGN_URL)
    zapi.answer_name = "forgetful"
    push(instance, replacing=ANYTHING)
    assert stored().previous_url == FOREIGN_URL


def test_second_push_keeps_the_previous_url(instance, zapi):
    set_at_zapi(instance, FOREIGN_URL)
    push(instance, replacing=ANYTHING)
    push(instance)
    assert stored().previous_url == FOREIGN_URL


def test_own_url_with_an_earlier_base_url_is_not_a_previous_url(instance, zapi, settings):
    push(instance)
    settings.PUBLIC_BASE_URL = "https://new.example.com"
    assert push(instance).previous_url == ""


def test_url_that_zapi_accepts_but_does_not_store_differs(instance, zapi):
    set_at_zapi(instance, FOREIGN_URL)
    zapi.answer_name = "forgetful"
    webhook = push(instance, replacing=ANYTHING)
    assert webhook.state == WebhookState.DIFFERS
    assert webhook.found_url == FOREIGN_URL
    assert webhook.problem == Problem.URL_NOT_KEPT


def test_permanent_refusal_is_not_retried(instance, zapi):
    zapi.answer_name = "client-token-wrong"
    webhook = push(instance)
    assert webhook.state == WebhookState.UNREACHABLE
    assert webhook.problem == Problem.CLIENT_TOKEN_WRONG
    assert webhook.retry_at is None


def test_temporary_error_is_retried_with_growing_delays(instance, zapi):
    zapi.answer_name = "fault"
    push(instance)
    waits = []
    for _ in range(3):
        due = stored().retry_at
        assert due
        waits.append(round((due - timezone.now()).total_seconds() / 60))
        make_due()
        assert run_due_pushes() == 1
    assert waits == [1, 2, 4]


def test_retries_have_a_maximum(instance, zapi):
    zapi.answer_name = "fault"
    push(instance)
    Webhook.objects.update(tries=module.MAX_TRIES - 1)
    make_due()
    run_due_pushes()
    assert stored().retry_at is None


def test_successful_retry_clears_the_problem(instance, zapi):
    zapi.answer_name = "too-many"
    push(instance)
    zapi.answer_name = "ok"
    make_due()
    run_due_pushes()
    assert (stored().state, stored().problem, stored().tries) == (WebhookState.IN_SYNC, "", 0)


def test_push_that_is_not_due_is_skipped(instance, zapi):
    zapi.answer_name = "fault"
    push(instance)
    assert run_due_pushes() == 0


def test_archived_instance_is_not_pushed(instance, zapi):
    zapi.answer_name = "fault"
    push(instance)
    make_due()
    Instance.objects.update(archived_at=timezone.now())
    assert run_due_pushes() == 0


def test_push_without_a_public_base_url_calls_nothing(instance, zapi, settings):
    settings.PUBLIC_BASE_URL = ""
    assert push(instance).problem == Problem.PUBLIC_URL_MISSING
    assert zapi.calls == []


def test_undecryptable_token_is_explained(instance, zapi, settings):
    settings.FIELD_ENCRYPTION_KEYS = ["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]
    assert push(Instance.objects.get()).problem == Problem.SECRET_UNREADABLE


def test_verify_after_a_push_is_in_sync(instance, zapi):
    push(instance)
    assert verify(instance).state == WebhookState.IN_SYNC


def test_verify_reports_a_foreign_url_without_replacing_it(instance, zapi):
    push(instance)
    set_at_zapi(instance, FOREIGN_URL)
    webhook = verify(instance)
    assert (webhook.state, webhook.found_url) == (WebhookState.DIFFERS, FOREIGN_URL)
    assert webhook.problem == Problem.URL_TAKEN
    assert zapi.instances[instance.zapi_id].urls[KIND] == FOREIGN_URL


def test_verify_reports_a_missing_url(instance, zapi):
    assert verify(instance).problem == Problem.URL_MISSING


def test_verify_keeps_a_scheduled_retry(instance, zapi):
    zapi.answer_name = "fault"
    due = push(instance).retry_at
    verify(instance)
    assert stored().retry_at == due


def test_push_and_verify_save_the_connection_state(instance, zapi):
    push(instance)
    assert Instance.objects.get().connected is True
    zapi.instances[instance.zapi_id].connected = False
    verify(instance)
    assert Instance.objects.get().connected is False


def test_push_does_not_replace_a_foreign_url_by_default(instance, zapi):
    set_at_zapi(instance, FOREIGN_URL)
    webhook = push(instance)
    assert zapi.instances[instance.zapi_id].urls[KIND] == FOREIGN_URL
    assert (webhook.state, webhook.previous_url) == (WebhookState.DIFFERS, "")
    assert webhook.problem == Problem.URL_TAKEN
    assert webhook.retry_at is None


def test_confirmed_replacement_does_not_replace_a_different_url(instance, zapi):
    set_at_zapi(instance, FOREIGN_URL)
    push(instance, replacing=FOREIGN_URL)
    set_at_zapi(instance, "https://third.example.com/")
    assert push(instance).state == WebhookState.DIFFERS


def test_confirmed_replacement_applies_to_later_pushes(instance, zapi):
    set_at_zapi(instance, FOREIGN_URL)
    push(instance, replacing=FOREIGN_URL)
    set_at_zapi(instance, FOREIGN_URL)
    assert push(instance).state == WebhookState.IN_SYNC


def test_push_skips_webhook_kinds_with_a_foreign_url(instance, zapi):
    ZapiClient(instance.zapi_id, instance.token.reveal()).set_webhook("delivery", FOREIGN_URL)
    pushed = push_wanted(instance)
    assert {webhook.kind for webhook in pushed} == {KIND, "connected", "disconnected"}
    assert zapi.instances[instance.zapi_id].urls["delivery"] == FOREIGN_URL
    assert (stored("delivery").wanted, stored("delivery").state) == (False, WebhookState.OFF)


def test_push_of_several_kinds_needs_one_call_each_and_two_reads(instance, zapi):
    push_wanted(instance)
    assert len(zapi.calls) == 6


def test_webhook_kind_with_a_foreign_url_does_not_stop_the_others(instance, zapi):
    set_at_zapi(instance, FOREIGN_URL)
    push_wanted(instance)
    assert stored().state == WebhookState.DIFFERS
    assert stored("delivery").state == WebhookState.IN_SYNC


def test_queued_push_is_done_by_the_worker(instance, zapi):
    queue_push(webhooks_of(instance).values())
    assert zapi.calls == []
    assert run_due_pushes() == 4
    assert stored().state == WebhookState.IN_SYNC
    assert stored().asked_at


def test_new_url_is_not_confirmed_by_callbacks_to_the_old_one(instance, zapi, settings):
    push(instance)
    Webhook.objects.update(heard_at=timezone.now())
    settings.PUBLIC_BASE_URL = "https://new.example.com"
    push(instance)
    assert stored().heard_at is None


@pytest.mark.django_db(transaction=True)
def test_push_calls_zapi_outside_of_transactions(instance, zapi, monkeypatch):
    inside = []
    call = ZapiClient._call

    def watched(*arguments, **more):
        inside.append(connection.in_atomic_block)
        return call(*arguments, **more)

    monkeypatch.setattr(ZapiClient, "_call", watched)
    push(instance)
    assert inside == [False, False, False]


def test_url_too_long_to_restore_is_not_replaced(instance, zapi):
    long = "https://crm.example.com/" + "x" * 600
    set_at_zapi(instance, long)
    assert push(instance, replacing=ANYTHING).state == WebhookState.DIFFERS
    assert zapi.instances[instance.zapi_id].urls[KIND] == long


@pytest.fixture
def meanwhile(monkeypatch):
    """Run a function during the call that sets the URL at Z-API."""
    real = ZapiClient.set_webhook

    def arrange(act):
        def interrupted(client, *arguments):
            monkeypatch.setattr(ZapiClient, "set_webhook", real)
            act()
            real(client, *arguments)

        monkeypatch.setattr(ZapiClient, "set_webhook", interrupted)

    return arrange


def test_key_rotated_during_a_push_is_pushed_next(instance, zapi, meanwhile):
    meanwhile(lambda: rotate_key(Instance.objects.get()))
    push_wanted(instance)
    assert stored().retry_at
    run_due_pushes()
    rotated = Instance.objects.get()
    assert rotated.key_version == 2
    assert zapi.instances[instance.zapi_id].urls[KIND] == webhook_url(rotated)


def test_leave_unchanged_during_a_push_is_kept(instance, zapi, meanwhile):
    meanwhile(lambda: leave_unchanged(stored()))
    push(instance)
    assert (stored().wanted, stored().state) == (False, WebhookState.OFF)


def test_first_callback_during_a_push_is_kept(instance, zapi, meanwhile):
    push(instance)
    heard = timezone.now()
    meanwhile(lambda: Webhook.objects.update(heard_at=heard))
    push(instance)
    assert stored().heard_at == heard
