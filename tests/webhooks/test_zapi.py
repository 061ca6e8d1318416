"""POST /webhooks/zapi/<key>/ through the real WSGI application."""

import json

import pytest
from django.utils import timezone

from messages.domain.statuses import Status
from messages.ingest.service import breaker
from messages.instances.webhook_keys import WebhookKey, sign, webhook_path
from messages.models import Callback, Message, StatusEvent
from tests.plugins.webhook import call

# The five documented callbacks (Z-API, "Message status"): same momment, so order comes from rank.
SAMPLE = {
    "status": "SENT",
    "ids": ["999999999999999999999"],
    "momment": 1632234645000,
    "phone": "5544999999999",
    "type": "MessageStatusCallback",
    "instanceId": "instance.id",
}
JSON = {"CONTENT_TYPE": "application/json"}


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


def test_several_ids_are_several_messages(post):
    post(SAMPLE | {"ids": ["A", "B", "A"]})
    assert set(Message.objects.values_list("zapi_id", flat=True)) == {"A", "B"}


def test_the_evidence_is_kept_byte_for_byte(post):
    body = json.dumps(SAMPLE, indent=3).encode()
    post(body)
    assert bytes(Callback.objects.get().body) == body


@pytest.mark.parametrize("kind", ["ReceivedCallback", "PresenceChatCallback"])
def test_other_types_are_answered_and_kept_without_body_or_status(post, kind):
    answer = post(
        {"type": kind, "status": "RECEIVED", "messageId": "M", "instanceId": "instance.id"}
    )
    assert (answer.status, answer.json()) == (200, {"outcome": "ignored"})
    callback = Callback.objects.get()
    assert (callback.type, bytes(callback.body), callback.size > 0) == (kind, b"", True)
    assert not Message.objects.exists()


def test_a_delivery_callback_is_the_first_step(post):
    post({"type": "DeliveryCallback", "messageId": "M", "zaapId": "Z", "phone": "5544999999999"})
    message = Message.objects.get()
    assert (message.status, message.zaap_id) == (Status.DISPATCHED, "Z")


def test_a_delivery_error_is_a_failure_with_its_reason(post):
    post({"type": "DeliveryCallback", "messageId": "M", "error": "Phone number does not exist"})
    message = Message.objects.get()
    assert (message.status, message.failure) == (Status.FAILED, "Phone number does not exist")


def test_an_unknown_status_is_kept_under_its_own_name(post):
    post(SAMPLE | {"status": "TELEPATHED"})
    event = StatusEvent.objects.get()
    assert (event.status, event.raw_status) == (Status.UNKNOWN, "TELEPATHED")


@pytest.mark.parametrize("no", [False, "false"])
def test_a_connection_callback_may_deny_its_type(post, instance, no):
    told = {"momment": 1757333824580, "error": "You are not connected"}
    post({"type": "ConnectedCallback", "connected": no, **told})
    instance.refresh_from_db()
    assert (instance.connected, instance.connection_reason) == (False, "You are not connected")
    post({"type": "DisconnectedCallback", "disconnected": no, **told})
    instance.refresh_from_db()
    assert (instance.connected, instance.connection_reason) == (True, "")


@pytest.mark.parametrize("connected", [True, False])
def test_connection_callbacks_set_the_instances_state(post, instance, connected):
    kind = "ConnectedCallback" if connected else "DisconnectedCallback"
    post({"type": kind, "momment": 1580163342})
    instance.refresh_from_db()
    assert instance.connected is connected


def test_an_older_connection_callback_changes_nothing(post, instance):
    post({"type": "ConnectedCallback", "momment": 1757333824580})
    post({"type": "DisconnectedCallback", "momment": 1580163342})
    instance.refresh_from_db()
    assert instance.connected is True


def test_a_connection_that_is_reported_again_has_not_changed(post, instance):
    post({"type": "DisconnectedCallback", "momment": 1757333824, "error": "Device is gone"})
    post({"type": "DisconnectedCallback", "momment": 1757333884})
    post({"type": "ConnectedCallback", "momment": 1757333854000})
    instance.refresh_from_db()
    assert (instance.connected, instance.connection_reason) == (False, "Device is gone")
    assert instance.connection_changed_at.timestamp() == 1757333824


def test_a_connection_callback_of_the_far_future_is_one_of_now(post, instance):
    post({"type": "ConnectedCallback", "momment": 4070908800000})
    instance.refresh_from_db()
    assert instance.connection_changed_at < timezone.now()
    post({"type": "DisconnectedCallback", "momment": int(timezone.now().timestamp()) + 1})
    instance.refresh_from_db()
    assert instance.connected is False


def test_a_body_naming_another_instance_is_quarantined(post):
    answer = post(SAMPLE | {"instanceId": "somebody.else"})
    assert (answer.status, answer.json()) == (200, {"outcome": "quarantined"})
    assert Callback.objects.get().cause_values == ["instance.id", "somebody.else"]
    assert not Message.objects.exists()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"[" * 100_000, b'{"type":"DeliveryCallback"}'])
def test_a_malformed_body_is_refused_and_kept(post, body):
    answer = post(body)
    assert answer.status == 400
    assert "could not be parsed" in answer.json()["error"]
    callback = Callback.objects.get()
    assert (callback.outcome, bytes(callback.body)) == ("quarantined", body)


def test_a_malformed_callback_is_known_by_its_type(post):
    post({"type": "MessageStatusCallback", "ids": ["M"]})
    assert Callback.objects.get().type == "MessageStatusCallback"


def test_an_address_that_lost_its_last_slash_is_still_the_webhook(instance):
    path = webhook_path(WebhookKey(instance.zapi_id, 1)).removesuffix("/")
    assert call(path, "POST", json.dumps(SAMPLE).encode(), **JSON).status == 200


class TestTheOrderOfAnswers:
    def test_the_method_is_asked_before_the_key(self, db):
        answer = call("/webhooks/zapi/wrong/", "PUT", b"{}", **JSON)
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")

    def test_the_key_is_asked_before_the_content_type(self, db):
        assert call("/webhooks/zapi/wrong/", "POST", b"{}").status == 404

    def test_the_content_type_is_asked_before_the_size(self, post, settings):
        settings.WEBHOOK_MAX_BODY = 10
        assert post(SAMPLE, CONTENT_TYPE="text/plain").status == 415

    def test_the_size_is_asked_before_the_content(self, post, settings):
        settings.WEBHOOK_MAX_BODY = 10
        assert post(b"{" * 11).status == 413

    @pytest.mark.parametrize(
        ("extra", "cause"),
        [
            ({"CONTENT_TYPE": "text/plain"}, "application/json, not as 'text/plain'."),
            ({"HTTP_CONTENT_ENCODING": "br"}, "as gzip, not as 'br'."),
            ({"CONTENT_LENGTH": "9999999"}, "262144 bytes at most, unpacked."),
        ],
    )
    def test_a_refused_body_leaves_a_line_without_it(self, post, extra, cause):
        assert post(SAMPLE, **extra).status in (413, 415)
        callback = Callback.objects.get()
        assert (callback.outcome, bytes(callback.body)) == ("quarantined", b"")
        assert callback.why.endswith(cause)

    def test_while_the_database_is_away_a_body_is_refused_all_the_same(self, post):
        breaker.open()
        assert post(SAMPLE, CONTENT_TYPE="text/plain").status == 415

    def test_accept_is_ignored(self, post):
        assert post(SAMPLE, HTTP_ACCEPT="text/html").status == 200

    def test_a_charset_is_fine(self, post):
        assert post(SAMPLE, CONTENT_TYPE="application/json; charset=utf-8").status == 200

    def test_the_foreign_origin_of_zapi_is_fine(self, post):
        assert post(SAMPLE, HTTP_ORIGIN="https://api.z-api.io").status == 200


class TestTheKey:
    def refused(self, path):
        answer = call(path, "POST", json.dumps(SAMPLE).encode(), **JSON)
        assert not Callback.objects.exists()
        return answer.status, answer.body

    def test_unknown_wrong_and_retired_keys_get_the_same_answer(self, instance):
        unknown = self.refused(webhook_path(WebhookKey("nobody", 1)))
        genuine = sign(WebhookKey("instance.id", 1))
        wrong = self.refused(f"/webhooks/zapi/{genuine[:-1]}/")
        retired = self.refused(webhook_path(WebhookKey("instance.id", 0)))
        assert unknown == wrong == retired
        assert unknown[0] == 404

    def test_a_version_not_yet_given_out_is_refused(self, instance):
        assert self.refused(webhook_path(WebhookKey("instance.id", 2)))[0] == 404

    @pytest.mark.parametrize("key", ["x", "..", "a.1.b", "%00", "é.1.é", "." * 300])
    def test_no_key_is_an_error(self, instance, key):
        assert self.refused(f"/webhooks/zapi/{key}/")[0] == 404

    def test_a_key_of_an_older_signing_key_still_opens(self, post, settings):
        newest, oldest = "n" * 40, settings.WEBHOOK_SIGNING_KEYS[0]
        path = webhook_path(WebhookKey("instance.id", 1))
        settings.WEBHOOK_SIGNING_KEYS = [newest, oldest]
        assert call(path, "POST", json.dumps(SAMPLE).encode(), **JSON).status == 200

    @pytest.mark.parametrize("zapi_id", ["instance.id", "3C0D" * 8, "loja nº 1/ação", "a.b.c"])
    def test_any_text_can_be_an_instance_id(self, instance, zapi_id):
        instance.zapi_id = zapi_id
        instance.save()
        body = json.dumps(SAMPLE | {"instanceId": zapi_id}).encode()
        answer = call(webhook_path(WebhookKey(zapi_id, 1)), "POST", body, **JSON)
        assert answer.json() == {"outcome": "applied"}

    def test_an_archived_instance_is_closed(self, instance):
        instance.archived_at = instance.created_at
        instance.save()
        assert self.refused(webhook_path(WebhookKey("instance.id", 1)))[0] == 404


def test_the_door_serves_nothing_else(db):
    assert call("/webhooks/").status == 404
    assert call("/webhooks/zapi/").status == 404
    assert call("/webhooks/../admin/").status == 404
