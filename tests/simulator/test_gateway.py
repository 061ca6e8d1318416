"""What the stand-in remembers and refuses, call by call."""

import json

import pytest

from messages.simulator.gateway import CONTROL_PATH, HOOKS, Call, Gateway

JSON = {"content-type": "application/json"}
URL = "https://board.example.com/hook"


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
    ],
)
def test_a_call_is_answered(method, name, expected):
    status, answer = ask(Gateway(), method, name, {})
    assert (status, set(answer)) == (200, expected)


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


def test_a_partner_sees_the_whole_list_by_page():
    gateway = Gateway({"A": "1", "B": "2", "C": "3"})
    bearer = {"authorization": "Bearer partner"}
    answer = gateway.answer(Call("GET", "/instances?page=2&pageSize=2", bearer))
    assert [one["id"] for one in json.loads(answer.body)["content"]] == ["C"]
    assert gateway.answer(Call("GET", "/instances?page=1&pageSize=2")).status == 401


def test_the_answer_can_be_changed_while_it_runs():
    gateway = Gateway()
    gateway.answer(Call("PUT", CONTROL_PATH, {}, b'{"name": "too-many"}'))
    assert ask(gateway, "GET", "me")[0] == 429


def test_an_unknown_answer_is_refused():
    assert Gateway().answer(Call("PUT", CONTROL_PATH, {}, b'{"name": "?"}')).status == 400
