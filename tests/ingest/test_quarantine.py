"""The quarantine keeps malformed callbacks up to a cap for each instance."""

import json

import pytest

from messages.ingest import quarantine, replay
from messages.models import Callback, FollowUp, Instance, Webhook
from tests.plugins.webhook import ZAPI_ID

STATUS = {"type": "MessageStatusCallback", "status": "READ", "ids": ["M"]}
BROKEN = b"{" + b" " * 399


@pytest.fixture(autouse=True)
def room_for_two(settings):
    settings.QUARANTINE_MAX_BYTES = 1000
    quarantine.forget_usages()
    yield
    quarantine.forget_usages()


def kept():
    bodies = Callback.objects.order_by("received_at").values_list("body", flat=True)
    return [len(bytes(body)) for body in bodies]


def test_row_over_the_cap_has_no_body(post):
    assert [post(BROKEN).status for _ in range(3)] == [400, 400, 400]
    assert kept() == [400, 400, 0]
    last = Callback.objects.latest("received_at")
    assert (last.outcome, last.size) == ("quarantined", 400)
    assert last.cause == "not json"


def test_smaller_body_within_the_cap_is_kept(post):
    for body in (BROKEN, BROKEN, BROKEN, b"{"):
        post(body)
    assert kept() == [400, 400, 0, 1]


def test_body_naming_another_instance_counts_towards_the_cap(post):
    for _ in range(12):
        post(STATUS | {"instanceId": "somebody.else"})
    assert kept()[0]
    assert not kept()[-1]
    last = Callback.objects.latest("received_at")
    assert last.why == (
        f"The callback arrived at the webhook of {ZAPI_ID}, but names the instance somebody.else."
    )


def test_each_instance_has_its_own_cap(post, instance):
    for _ in range(3):
        post(BROKEN)
    instance.pk, instance.zapi_id = None, "other"
    instance.save()
    post(BROKEN)
    assert kept()[-1] == 400
    assert Instance.objects.count() == 2


def test_discarded_callbacks_free_the_cap(post):
    for _ in range(3):
        post(BROKEN)
    Callback.objects.kept().update(body=json.dumps(STATUS).encode())
    replay(Callback.objects.all())
    post(BROKEN)
    assert kept()[-1] == 400


def test_applied_callbacks_do_not_check_the_cap(post, monkeypatch):
    monkeypatch.setattr("messages.ingest.store.within_cap", lambda entry: 1 / 0)
    assert post(STATUS).json() == {"outcome": "applied"}
    assert post({"type": "ReceivedCallback"}).json() == {"outcome": "ignored"}


def test_dropped_body_is_not_kept_in_a_follow_up(post, instance):
    Webhook.objects.create(instance=instance, kind="delivery", forward_to="https://a.example/")
    for _ in range(3):
        post(BROKEN)
    assert not FollowUp.objects.exclude(body=None).exists()
