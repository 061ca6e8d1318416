"""The answers of the simulated gateway."""

import json

import pytest

from messages.simulator.gateway import CONTROL_PATH, HOOKS, Call, Gateway

JSON = {"content-type": "application/json"}
URL = "https://board.example.com/hook"
_DEVICE_MEMBERS = {
    *("phone", "imgUrl", "about", "name", "device", "originalDevice", "sessionId", "isBusiness"),
}


def ask(gateway: Gateway, method: str, name: str, body: object = None, **headers: str):
    path = f"/instances/ABC/token/T/{name}"
    content = json.dumps(body).encode()
    answer = gateway.answer(Call(method, path, JSON | headers, content))
    return answer.status, json.loads(answer.body)


def test_update_every_webhooks_sets_all_urls():
    gateway = Gateway()
    ask(gateway, "PUT", "update-every-webhooks", {"value": URL, "notifySentByMe": True})
    me = ask(gateway, "GET", "me")[1]
    assert {me[member] for member, _ in HOOKS.values()} == {URL}


def test_webhook_url_without_https_is_not_stored():
    answer = ask(Gateway(), "PUT", "update-webhook-delivery", {"value": "http://board.example.com"})
    assert answer == (200, {"value": False})


def test_instance_without_status_url_gets_no_callbacks():
    gateway = Gateway()
    ask(gateway, "PUT", "update-webhook-delivery", {"value": URL})
    assert gateway.connected_instances() == []
    ask(gateway, "PUT", "update-webhook-message-status", {"value": URL})
    assert [instance.id for instance in gateway.connected_instances()] == ["ABC"]


def test_filter_turns_its_webhook_off():
    gateway = Gateway()
    ask(gateway, "PUT", "update-webhook-message-status", {"value": URL})
    filters = ["FILTER_MESSAGE_STATUS_CALLBACK"]
    ask(gateway, "PUT", "update-filters", {"callbackTypeFilters": filters})
    assert gateway.instances["ABC"].url_for("message-status") == ""


@pytest.mark.parametrize(
    ("method", "name", "expected"),
    [
        ("GET", "status", {"connected", "error", "smartphoneConnected"}),
        ("GET", "queue/count", {"count"}),
        ("POST", "queue", {"messages", "pagingState", "hasMore"}),
        ("PUT", "update-queue-settings", {"success"}),
        ("GET", "restart", {"value"}),
        ("GET", "qr-code/image", {"value"}),
        ("GET", "phone-code/5544999990001", {"value"}),
        ("GET", "device", _DEVICE_MEMBERS),
        ("POST", "extension-token", {"token", "expiresAt"}),
    ],
)
def test_call_is_answered(method, name, expected):
    status, answer = ask(Gateway(), method, name, {})
    assert (status, set(answer)) == (200, expected)


def test_queue_page_has_at_most_30_messages():
    gateway = Gateway()
    ask(gateway, "GET", "status")
    gateway.instances["ABC"].queued = 40
    first = ask(gateway, "POST", "queue", {"pageSize": 100})[1]
    rest = ask(gateway, "POST", "queue", {"pagingState": first["pagingState"]})[1]
    assert (len(first["messages"]), first["hasMore"]) == (30, True)
    assert (len(rest["messages"]), rest["hasMore"]) == (10, False)
    assert ask(gateway, "GET", "queue/count")[1] == {"count": 40}
    assert ask(gateway, "GET", "queue")[0] == 405
    ask(gateway, "DELETE", f"queue/{first['messages'][0]['ZaapId']}")
    assert ask(gateway, "GET", "queue/count")[1] == {"count": 39}
    ask(gateway, "DELETE", "queue")
    assert ask(gateway, "GET", "queue/count")[1] == {"count": 0}


def test_restart_restores_a_lost_session():
    gateway = Gateway()
    ask(gateway, "GET", "status")
    remembered = gateway.instances["ABC"]
    remembered.connected, remembered.status_error = False, "You need to restore the session"
    ask(gateway, "GET", "restart")
    assert ask(gateway, "GET", "status")[1]["connected"]


def test_number_not_on_whatsapp_has_no_lid():
    (found,) = ask(Gateway(), "GET", "phone-exists/5544999990000")[1]
    assert (found["exists"], found["lid"]) == (False, None)


def test_me_response_has_due_in_seconds_and_omits_unset_filters():
    me = ask(Gateway(), "GET", "me")[1]
    assert (me["due"], me["paymentStatus"]) == (1893456000, "ACTIVE")
    assert "callbackTypeFilters" not in me


def test_number_on_whatsapp_has_a_lid():
    (found,) = ask(Gateway(), "GET", "phone-exists/5544999999998")[1]
    assert found["phone"] == "554499999998"
    assert found["lid"].endswith("@lid")


@pytest.mark.parametrize(
    ("method", "name", "status"),
    [("GET", "no-such-call", 200), ("POST", "me", 405), ("GET", "update-webhook-delivery", 405)],
)
def test_wrong_call_is_refused(method, name, status):
    answer = ask(Gateway(), method, name)
    assert answer[0] == status
    assert "error" in answer[1]


def test_call_without_content_type_is_refused():
    call = Call("PUT", "/instances/ABC/token/T/update-webhook-delivery", {}, b"{}")
    assert Gateway().answer(call).status == 415


def test_unknown_instance_is_not_found():
    assert ask(Gateway({"ABC": "other"}), "GET", "me")[0] == 404
    assert ask(Gateway({"ABC": "T"}), "GET", "me")[0] == 200


def test_wrong_client_token_is_echoed():
    answer = ask(Gateway(client_token="right"), "GET", "me", None, **{"client-token": "mine"})
    assert answer == (403, {"error": "Client-Token mine not allowed"})


def test_missing_client_token_is_null():
    answer = ask(Gateway(client_token="right"), "GET", "me")
    assert answer == (403, {"error": "Client-Token null not allowed"})


def test_partner_list_has_pages_and_needs_no_client_token():
    gateway = Gateway({"A": "1", "B": "2", "C": "3"}, client_token="right")
    bearer = {"authorization": "Bearer partner"}
    answer = gateway.answer(Call("GET", "/instances?page=2&pageSize=2", bearer))
    assert answer.status == 201
    (listed,) = json.loads(answer.body)["content"]
    assert (listed["id"], listed["paymentStatus"], listed["due"]) == ("C", "ACTIVE", 1893456000000)
    assert [name for name in listed if name.endswith("CallbackUrl")] == ["receivedCallbackUrl"]
    assert gateway.answer(Call("GET", "/instances?page=1&pageSize=2")).status == 401


def test_control_call_changes_the_answer():
    gateway = Gateway()
    gateway.answer(Call("PUT", CONTROL_PATH, {}, b'{"name": "too-many"}'))
    assert ask(gateway, "GET", "me")[0] == 429


def test_control_call_with_unknown_answer_is_refused():
    assert Gateway().answer(Call("PUT", CONTROL_PATH, {}, b'{"name": "?"}')).status == 400


@pytest.mark.parametrize(
    ("name", "rows", "has_more"),
    [("queue-endless", 20, True), ("queue-too-long", 10_000, False)],
)
def test_bad_queue_answers(name, rows, has_more):
    gateway = Gateway()
    ask(gateway, "GET", "status")
    gateway.instances["ABC"].queued = 37
    gateway.answer_name = name
    page = ask(gateway, "POST", "queue", {})[1]
    assert (len(page["messages"]), page["hasMore"]) == (rows, has_more)


@pytest.mark.parametrize("name", ["queue-without-ids", "queue-text-only"])
def test_queue_rows_without_ids(name):
    gateway = Gateway(cases={"ABC": "disconnected"})
    gateway.answer_name = name
    rows = ask(gateway, "POST", "queue", {})[1]["messages"]
    assert rows
    assert all("Message" in row and "MessageId" not in row for row in rows)


def test_instance_of_another_system_gets_no_callbacks():
    gateway = Gateway(cases={"ABC": "foreign"})
    assert "crm" in ask(gateway, "GET", "me")[1]["messageStatusCallbackUrl"]
    assert gateway.connected_instances() == []
