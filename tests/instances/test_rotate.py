"""Key rotation loses no callback."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from messages.instances.push import push_wanted, run_due_pushes
from messages.instances.rotation import OVERLAP, NotRetiredError, retire_old_keys, rotate_key
from messages.instances.verify import verify_due
from messages.instances.webhook_keys import WebhookKey, webhook_path
from messages.instances.webhook_urls import webhook_url
from messages.models import Account, Action, AuditEvent, Instance
from tests.plugins.webhook import call
from tests.plugins.zapi import FOREIGN_URL

JSON = {"CONTENT_TYPE": "application/json"}


def report(instance: Instance, version: int, name: str = "M") -> int:
    """Post a callback to the URL of a key version and return the status."""
    path = webhook_path(WebhookKey(instance.zapi_id, version))
    payload = {"type": "MessageStatusCallback", "status": "SENT", "ids": [name], "phone": "5544"}
    return call(path, "POST", json.dumps(payload).encode(), **JSON).status


def let_the_overlap_pass() -> None:
    past = timezone.now() - OVERLAP
    Instance.objects.update(key_rotated_at=past, next_check_at=past)
    Account.objects.update(next_turn_at=past)


def test_rotation_keeps_the_old_and_new_url_valid(instance, zapi):
    push_wanted(instance)
    rotate_key(instance)
    assert [report(instance, version, f"M{version}") for version in (1, 2, 3)] == [200, 200, 404]


def test_worker_pushes_the_new_url_to_every_webhook(instance, zapi):
    push_wanted(instance)
    rotate_key(instance)
    run_due_pushes()
    assert set(zapi.instances[instance.zapi_id].urls.values()) == {webhook_url(instance)}


def test_rotation_updates_every_webhook_that_has_our_url(instance, zapi):
    push_wanted(instance)
    zapi.instances[instance.zapi_id].urls["received"] = webhook_url(instance)
    zapi.instances[instance.zapi_id].urls["chat-presence"] = webhook_url(instance)
    rotate_key(instance)
    run_due_pushes()
    assert set(zapi.instances[instance.zapi_id].urls.values()) == {webhook_url(instance)}


def test_rotation_updates_webhooks_that_only_update_every_can_set(instance, zapi):
    push_wanted(instance)
    remembered = zapi.instances[instance.zapi_id]
    remembered.urls["initial-data"] = remembered.hidden_urls["editedCallbackUrl"] = webhook_url(
        instance
    )
    rotate_key(instance)
    run_due_pushes()
    assert {*remembered.urls.values(), *remembered.hidden_urls.values()} == {webhook_url(instance)}


def test_rotation_does_not_use_update_every_if_it_replaces_foreign_urls(instance, zapi):
    push_wanted(instance)
    remembered = zapi.instances[instance.zapi_id]
    remembered.urls["initial-data"] = old = webhook_url(instance)
    remembered.urls["received"] = FOREIGN_URL
    rotate_key(instance)
    run_due_pushes()
    assert (remembered.urls["initial-data"], remembered.urls["received"]) == (old, FOREIGN_URL)
    assert remembered.urls["message-status"] == webhook_url(instance)


def test_worker_retires_the_old_key_after_the_overlap(instance, zapi):
    push_wanted(instance)
    rotate_key(instance)
    run_due_pushes()
    verify_due()
    assert report(instance, 1) == 200
    let_the_overlap_pass()
    verify_due()
    assert (report(instance, 1), report(instance, 2)) == (404, 200)
    assert AuditEvent.objects.filter(action=Action.KEY_RETIRED).exists()


def test_worker_keeps_an_old_key_that_zapi_still_uses(instance, zapi):
    push_wanted(instance)
    rotate_key(instance)
    let_the_overlap_pass()
    verify_due()
    assert report(instance, 1) == 200


def test_key_is_not_retired_while_zapi_is_unreachable(instance, zapi):
    rotate_key(instance)
    zapi.answer_name = "fault"
    with pytest.raises(NotRetiredError, match="could not check whether Z-API"):
        retire_old_keys(instance, at_once=True)


def test_key_is_not_retired_while_any_webhook_uses_it(instance, zapi):
    push_wanted(instance)
    zapi.instances[instance.zapi_id].urls["received"] = webhook_url(instance)
    rotate_key(instance)
    push_wanted(instance)
    zapi.instances[instance.zapi_id].urls["received"] = (
        f"https://board.example.com{webhook_path(WebhookKey(instance.zapi_id, 1))}"
    )
    with pytest.raises(NotRetiredError, match="still calls the old URL"):
        retire_old_keys(instance, at_once=True)


def test_second_rotation_keeps_every_key_valid(instance, zapi):
    rotate_key(instance)
    rotate_key(instance)
    assert [report(instance, version, f"M{version}") for version in (1, 2, 3)] == [200, 200, 200]


def test_callback_to_the_old_url_is_stored_during_the_overlap(instance, zapi):
    push_wanted(instance)
    rotate_key(instance)
    run_due_pushes()
    Instance.objects.update(key_rotated_at=timezone.now() - OVERLAP + timedelta(minutes=1))
    verify_due()
    assert report(instance, 1) == 200
