"""POST /webhooks/zapi/<key>/ through the real WSGI application."""

import json

import pytest
from django.utils import timezone

from messages.domain.statuses import Status
from messages.ingest.service import breaker
from messages.instances.webhook_keys import WebhookKey, sign, webhook_path
from messages.models import Callback, Message, StatusEvent
from tests.plugins.webhook import call

# The five callbacks of Z-API's page "Message status". All have the same `momment`, so they are
# ordered by rank.
SAMPLE = {
    "status": "SENT",
    "ids": ["999999999999999999999"],
    "momment": 1632234645000,
    "phone": "5544999999999",
    "type": "MessageStatusCallback",
    "instanceId": "instance.id",
}
JSON = {"CONTENT_TYPE": "application/json"}


def test_five_documented_callbacks_become_one_played_message(post):
    for status in ("SENT", "RECEIVED", "READ", "READ_BY_ME", "PLAYED"):
        assert post(SAMPLE | {"status": status}).status == 200
    message = Message.objects.get()
    assert message.status is Status.PLAYED
    assert message.events.count() == 5
    assert Callback.objects.filter(outcome="applied").count() == 5


def test_duplicate_changes_only_repeats(post):
    post(SAMPLE)
    before = Message.objects.values().get()
    assert post(SAMPLE).json() == {"outcome": "repeated"}
    assert Message.objects.values().get() == before
    assert StatusEvent.objects.get().repeats == 1


def test_several_ids_become_several_messages(post):
    post(SAMPLE | {"ids": ["A", "B", "A"]})
    assert set(Message.objects.values_list("zapi_id", flat=True)) == {"A", "B"}


def test_body_is_stored_unchanged(post):
    body = json.dumps(SAMPLE, indent=3).encode()
    post(body)
    assert bytes(Callback.objects.get().body) == body


@pytest.mark.parametrize("kind", ["ReceivedCallback", "PresenceChatCallback"])
def test_ignored_types_are_stored_without_body_and_status(post, kind):
    answer = post(
        {"type": kind, "status": "RECEIVED", "messageId": "M", "instanceId": "instance.id"}
    )
    assert (answer.status, answer.json()) == (200, {"outcome": "ignored"})
    callback = Callback.objects.get()
    assert (callback.type, bytes(callback.body), callback.size > 0) == (kind, b"", True)
    assert not Message.objects.exists()


def test_delivery_callback_is_the_first_step(post):
    post({"type": "DeliveryCallback", "messageId": "M", "zaapId": "Z", "phone": "5544999999999"})
    message = Message.objects.get()
    assert (message.status, message.zaap_id) == (Status.DISPATCHED, "Z")


def test_delivery_error_is_a_failure_with_reason(post):
    post({"type": "DeliveryCallback", "messageId": "M", "error": "Phone number does not exist"})
    message = Message.objects.get()
    assert (message.status, message.failure) == (Status.FAILED, "Phone number does not exist")


def test_unknown_status_is_kept_under_its_own_name(post):
    post(SAMPLE | {"status": "TELEPATHED"})
    event = StatusEvent.objects.get()
    assert (event.status, event.raw_status) == (Status.UNKNOWN, "TELEPATHED")


@pytest.mark.parametrize("no", [False, "false"])
def test_connection_callback_may_contradict_its_type(post, instance, no):
    told = {"momment": 1757333824580, "error": "You are not connected"}
    post({"type": "ConnectedCallback", "connected": no, **told})
    instance.refresh_from_db()
    assert (instance.connected, instance.connection_reason) == (False, "You are not connected")
    post({"type": "DisconnectedCallback", "disconnected": no, **told})
    instance.refresh_from_db()
    assert (instance.connected, instance.connection_reason) == (True, "")


@pytest.mark.parametrize("connected", [True, False])
def test_connection_callbacks_set_the_state_of_the_instance(post, instance, connected):
    kind = "ConnectedCallback" if connected else "DisconnectedCallback"
    post({"type": kind, "momment": 1580163342})
    instance.refresh_from_db()
    assert instance.connected is connected


def test_older_connection_callback_changes_nothing(post, instance):
    post({"type": "ConnectedCallback", "momment": 1757333824580})
    post({"type": "DisconnectedCallback", "momment": 1580163342})
    instance.refresh_from_db()
    assert instance.connected is True


def test_repeated_connection_callback_changes_nothing(post, instance):
    post({"type": "DisconnectedCallback", "momment": 1757333824, "error": "Device is gone"})
    post({"type": "DisconnectedCallback", "momment": 1757333884})
    post({"type": "ConnectedCallback", "momment": 1757333854000})
    instance.refresh_from_db()
    assert (instance.connected, instance.connection_reason) == (False, "Device is gone")
    assert instance.connection_changed_at.timestamp() == 1757333824


def test_connection_callback_in_the_future_uses_the_arrival_time(post, instance):
    post({"type": "ConnectedCallback", "momment": 4070908800000})
    instance.refresh_from_db()
    assert instance.connection_changed_at < timezone.now()
    post({"type": "DisconnectedCallback", "momment": int(timezone.now().timestamp()) + 1})
    instance.refresh_from_db()
    assert instance.connected is False


def test_body_with_another_instance_is_quarantined(post):
    answer = post(SAMPLE | {"instanceId": "somebody.else"})
    assert (answer.status, answer.json()) == (200, {"outcome": "quarantined"})
    assert Callback.objects.get().cause_values == ["instance.id", "somebody.else"]
    assert not Message.objects.exists()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"[" * 100_000, b'{"type":"DeliveryCallback"}'])
def test_malformed_body_is_refused_and_kept(post, body):
    answer = post(body)
    assert answer.status == 400
    assert "could not be parsed" in answer.json()["error"]
    callback = Callback.objects.get()
    assert (callback.outcome, bytes(callback.body)) == ("quarantined", body)


def test_malformed_callback_keeps_its_type(post):
    post({"type": "MessageStatusCallback", "ids": ["M"]})
    assert Callback.objects.get().type == "MessageStatusCallback"


def test_url_without_the_last_slash_works(instance):
    path = webhook_path(WebhookKey(instance.zapi_id, 1)).removesuffix("/")
    assert call(path, "POST", json.dumps(SAMPLE).encode(), **JSON).status == 200


class TestTheOrderOfAnswers:
    def test_method_is_checked_before_the_key(self, db):
        answer = call("/webhooks/zapi/wrong/", "PUT", b"{}", **JSON)
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")

    def test_key_is_checked_before_the_content_type(self, db):
        assert call("/webhooks/zapi/wrong/", "POST", b"{}").status == 404

    def test_content_type_is_checked_before_the_size(self, post, settings):
        settings.WEBHOOK_MAX_BODY = 10
        assert post(SAMPLE, CONTENT_TYPE="text/plain").status == 415

    def test_size_is_checked_before_the_content(self, post, settings):
        settings.WEBHOOK_MAX_BODY = 10
        assert post(b"{" * 11).status == 413

    @pytest.mark.parametrize(
        ("extra", "cause"),
        [
            ({"CONTENT_TYPE": "text/plain"}, "application/json, not 'text/plain'."),
            ({"HTTP_CONTENT_ENCODING": "br"}, "or gzip, not 'br'."),
            ({"CONTENT_LENGTH": "9999999"}, "The limit is 262144 bytes, uncompressed."),
        ],
    )
    def test_refused_body_is_recorded_without_the_body(self, post, extra, cause):
        assert post(SAMPLE, **extra).status in (413, 415)
        callback = Callback.objects.get()
        assert (callback.outcome, bytes(callback.body)) == ("quarantined", b"")
        assert callback.why.endswith(cause)

    def test_body_is_refused_while_the_database_is_unavailable(self, post):
        breaker.open()
        assert post(SAMPLE, CONTENT_TYPE="text/plain").status == 415

    def test_accept_header_is_ignored(self, post):
        assert post(SAMPLE, HTTP_ACCEPT="text/html").status == 200

    def test_content_type_with_a_charset_is_accepted(self, post):
        assert post(SAMPLE, CONTENT_TYPE="application/json; charset=utf-8").status == 200

    def test_foreign_origin_is_accepted(self, post):
        assert post(SAMPLE, HTTP_ORIGIN="https://api.z-api.io").status == 200


class TestTheKey:
    def refused(self, path):
        answer = call(path, "POST", json.dumps(SAMPLE).encode(), **JSON)
        assert not Callback.objects.exists()
        return answer.status, answer.body

    def test_keys_unknown_wrong_or_retired_get_the_same_answer(self, instance):
        unknown = self.refused(webhook_path(WebhookKey("nobody", 1)))
        genuine = sign(WebhookKey("instance.id", 1))
        wrong = self.refused(f"/webhooks/zapi/{genuine[:-1]}/")
        retired = self.refused(webhook_path(WebhookKey("instance.id", 0)))
        assert unknown == wrong == retired
        assert unknown[0] == 404

    def test_future_key_version_is_refused(self, instance):
        assert self.refused(webhook_path(WebhookKey("instance.id", 2)))[0] == 404

    @pytest.mark.parametrize("key", ["x", "..", "a.1.b", "%00", "é.1.é", "." * 300])
    def test_missing_key_is_not_found(self, instance, key):
        assert self.refused(f"/webhooks/zapi/{key}/")[0] == 404

    def test_key_of_a_previous_signing_key_is_accepted(self, post, settings):
        newest, oldest = "n" * 40, settings.WEBHOOK_SIGNING_KEYS[0]
        path = webhook_path(WebhookKey("instance.id", 1))
        settings.WEBHOOK_SIGNING_KEYS = [newest, oldest]
        assert call(path, "POST", json.dumps(SAMPLE).encode(), **JSON).status == 200

    @pytest.mark.parametrize("zapi_id", ["instance.id", "3C0D" * 8, "loja nº 1/ação", "a.b.c"])
    def test_instance_id_can_be_any_text(self, instance, zapi_id):
        instance.zapi_id = zapi_id
        instance.save()
        body = json.dumps(SAMPLE | {"instanceId": zapi_id}).encode()
        answer = call(webhook_path(WebhookKey(zapi_id, 1)), "POST", body, **JSON)
        assert answer.json() == {"outcome": "applied"}

    def test_archived_instance_is_refused(self, instance):
        instance.archived_at = instance.created_at
        instance.save()
        assert self.refused(webhook_path(WebhookKey("instance.id", 1)))[0] == 404


def test_webhook_server_serves_nothing_else(db):
    assert call("/webhooks/").status == 404
    assert call("/webhooks/zapi/").status == 404
    assert call("/webhooks/../admin/").status == 404
