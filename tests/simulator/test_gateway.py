"""What the stand-in remembers and refuses, call by call."""

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


def test_every_hook_is_set_at_once():
    gateway = Gateway()
    ask(gateway, "PUT", "update-every-webhooks", {"value": URL, "notifySentByMe": True})
    me = ask(gateway, "GET", "me")[1]
    assert {me[member] for member, _ in HOOKS.values()} == {URL}


def test_an_address_without_https_is_not_applied():
    answer = ask(Gateway(), "PUT", "update-webhook-delivery", {"value": "http://board.example.com"})
    assert answer == (200, {"value": False})


def test_no_story_begins_before_somebody_hears_of_message_statuses():
    gateway = Gateway()
    ask(gateway, "PUT", "update-webhook-delivery", {"value": URL})
    assert gateway.hooked() == []
    ask(gateway, "PUT", "update-webhook-message-status", {"value": URL})
    assert [instance.id for instance in gateway.hooked()] == ["ABC"]


def test_a_filter_silences_its_hook():
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
def test_a_call_is_answered(method, name, expected):
    status, answer = ask(Gateway(), method, name, {})
    assert (status, set(answer)) == (200, expected)


def test_a_queue_has_pages_of_30_at_most():
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


def test_a_lost_session_is_restored_by_a_restart():
    gateway = Gateway()
    ask(gateway, "GET", "status")
    remembered = gateway.instances["ABC"]
    remembered.connected, remembered.status_error = False, "You need to restore the session"
    ask(gateway, "GET", "restart")
    assert ask(gateway, "GET", "status")[1]["connected"]


def test_a_number_that_is_not_on_whatsapp_has_no_lid():
    (found,) = ask(Gateway(), "GET", "phone-exists/5544999990000")[1]
    assert (found["exists"], found["lid"]) == (False, None)


def test_me_tells_seconds_and_no_filters_before_they_are_set():
    me = ask(Gateway(), "GET", "me")[1]
    assert (me["due"], me["paymentStatus"]) == (1893456000, "ACTIVE")
    assert "callbackTypeFilters" not in me


def test_a_number_is_looked_up():
    (found,) = ask(Gateway(), "GET", "phone-exists/5544999999998")[1]
    assert found["phone"] == "554499999998"
    assert found["lid"].endswith("@lid")


@pytest.mark.parametrize(
    ("method", "name", "status"),
    [("GET", "no-such-call", 200), ("POST", "me", 405), ("GET", "update-webhook-delivery", 405)],
)
def test_a_wrong_call_is_refused(method, name, status):
    answer = ask(Gateway(), method, name)
    assert answer[0] == status
    assert "error" in answer[1]


def test_a_missing_content_type_is_refused():
    call = Call("PUT", "/instances/ABC/token/T/update-webhook-delivery", {}, b"{}")
    assert Gateway().answer(call).status == 415


def test_only_the_known_instances_are_answered():
    assert ask(Gateway({"ABC": "other"}), "GET", "me")[0] == 404
    assert ask(Gateway({"ABC": "T"}), "GET", "me")[0] == 200


def test_a_wrong_client_token_is_echoed():
    answer = ask(Gateway(client_token="right"), "GET", "me", None, **{"client-token": "mine"})
    assert answer == (403, {"error": "Client-Token mine not allowed"})


def test_a_missing_client_token_is_null():
    answer = ask(Gateway(client_token="right"), "GET", "me")
    assert answer == (403, {"error": "Client-Token null not allowed"})


def test_a_partner_sees_the_whole_list_by_page_without_a_client_token():
    gateway = Gateway({"A": "1", "B": "2", "C": "3"}, client_token="right")
    bearer = {"authorization": "Bearer partner"}
    answer = gateway.answer(Call("GET", "/instances?page=2&pageSize=2", bearer))
    assert answer.status == 201
    (listed,) = json.loads(answer.body)["content"]
    assert (listed["id"], listed["paymentStatus"], listed["due"]) == ("C", "ACTIVE", 1893456000000)
    assert [name for name in listed if name.endswith("CallbackUrl")] == ["receivedCallbackUrl"]
    assert gateway.answer(Call("GET", "/instances?page=1&pageSize=2")).status == 401


def test_the_answer_can_be_changed_while_it_runs():
    gateway = Gateway()
    gateway.answer(Call("PUT", CONTROL_PATH, {}, b'{"name": "too-many"}'))
    assert ask(gateway, "GET", "me")[0] == 429


def test_an_unknown_answer_is_refused():
    assert Gateway().answer(Call("PUT", CONTROL_PATH, {}, b'{"name": "?"}')).status == 400
