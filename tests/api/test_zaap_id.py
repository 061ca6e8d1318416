"""Labels stored with message id and zaapId.

Z-API reports some messages, such as failures, by only one of these ids.
"""

import pytest

from messages.models import Instance, Label
from messages.privacy import continue_erasures, find_person, request_erasure

from .test_keys import assert_problem

PHONE = "5544999999999"
FAILED = {"type": "DeliveryCallback", "messageId": "Z1", "zaapId": "Z1", "phone": PHONE}
FAILED |= {"error": "Phone number does not exist"}
NAMED = {"zapi_instance_id": "instance.id", "message_id": "M1", "zaap_id": "Z1"}
TEXTS = {"reference": "order-1042", "label": "On its way"}
PATH = "/messages/instance.id/M1/label"
COLUMNS = b"zapi_instance_id;message_id;zaap_id;reference;label\n"
CSV = COLUMNS + b"instance.id;M1;Z1;order-1042;On its way\n"

pytestmark = pytest.mark.usefixtures("instance")


def put_one(labeller):
    return labeller.write("PUT", PATH, TEXTS | {"zaap_id": "Z1"})


def put_many(labeller):
    return labeller.write("POST", "/labels/", [NAMED | TEXTS])


def put_csv(labeller):
    return labeller.write("POST", "/labels/", CSV, media_type="text/csv")


def found(labeller, **query):
    return [one["message_id"] for one in labeller.read("/messages/", **query)["results"]]


def labels_shown(labeller):
    return [(one["reference"], one["label"]) for one in labeller.read("/messages/")["results"]]


@pytest.mark.parametrize("put", [put_one, put_many, put_csv])
@pytest.mark.parametrize("comes_first", ["label", "callback"])
def test_failure_reported_by_zaap_id_only_has_the_label(labeller, post, put, comes_first):
    steps = [lambda: put(labeller), lambda: post(FAILED)]
    for step in steps if comes_first == "label" else reversed(steps):
        step()
    assert labels_shown(labeller) == [("order-1042", "On its way")]


@pytest.mark.parametrize("message_id", ["M1", "Z1"])
def test_later_step_reported_by_either_id_has_the_label(labeller, post, message_id):
    put_one(labeller)
    read = {"type": "MessageStatusCallback", "status": "READ", "ids": [message_id], "phone": PHONE}
    post(read)
    assert labels_shown(labeller) == [("order-1042", "On its way")]


@pytest.mark.parametrize(
    "query",
    [
        {"message_id": "M1"},
        {"message_id": "Z1"},
        {"reference": "order-1042"},
        {"q": "M1"},
        {"q": "Z1"},
        {"q": "order-1042"},
        {"q": "way its"},
    ],
)
def test_message_is_found_by_both_ids_reference_and_label(labeller, post, query):
    put_one(labeller)
    post(FAILED)
    assert found(labeller, **query) == ["Z1"]


def test_events_are_found_by_the_message_id_of_the_label(labeller, post):
    put_one(labeller)
    post(FAILED)
    events = labeller.read("/events/", message_id="M1")["results"]
    assert [event["status"] for event in events] == ["FAILED"]


def test_response_contains_the_zaap_id(labeller):
    assert put_one(labeller) == NAMED | TEXTS


def test_same_zaap_id_at_another_instance_has_no_label(labeller, post, account):
    Instance.objects.create(account=account, name="Vendas", zapi_id="V")
    labeller.write("PUT", "/messages/V/M1/label", TEXTS | {"zaap_id": "Z1"})
    post(FAILED)
    assert labels_shown(labeller) == [("", "")]


def test_later_label_by_zaap_id_replaces_the_label_with_both_ids(labeller, post):
    put_one(labeller)
    labeller.write("PUT", "/messages/instance.id/Z1/label", {"label": "New"})
    post(FAILED)
    assert labels_shown(labeller) == [("", "New")]


def test_later_label_with_both_ids_replaces_the_label_by_zaap_id(labeller, post):
    labeller.write("PUT", "/messages/instance.id/Z1/label", {"label": "Old"})
    put_one(labeller)
    post(FAILED)
    assert labels_shown(labeller) == [("order-1042", "On its way")]


@pytest.mark.parametrize("message_id", ["M1", "Z1"])
def test_label_can_be_deleted_by_either_id(labeller, message_id):
    put_one(labeller)
    assert labeller.send("DELETE", f"/messages/instance.id/{message_id}/label").status_code == 204
    assert not Label.objects.exists()


@pytest.mark.parametrize(
    ("zaap_id", "words"),
    [("x" * 129, "Longer than"), (7, "Must be a string."), ("a\nb", "unprintable character")],
)
def test_invalid_zaap_id_is_refused(labeller, zaap_id, words):
    told = assert_problem(labeller.send("PUT", PATH, TEXTS | {"zaap_id": zaap_id}), 400)
    assert [error["pointer"] for error in told["errors"]] == ["/zaap_id"]
    assert words in told["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("ids", "pointer"),
    [
        ({"message_id": "M2", "zaap_id": "Z1"}, "/1/zaap_id"),
        ({"message_id": "Z1", "zaap_id": ""}, "/1/message_id"),
    ],
)
def test_two_labels_with_the_same_zaap_id_in_one_request_are_an_error(labeller, ids, pointer):
    told = assert_problem(
        labeller.send("POST", "/labels/", [NAMED | TEXTS, NAMED | TEXTS | ids]), 400
    )
    assert [error["pointer"] for error in told["errors"]] == [pointer]


def test_label_with_equal_message_id_and_zaap_id_is_accepted(labeller, post):
    labeller.write("POST", "/labels/", [NAMED | TEXTS | {"message_id": "Z1"}])
    post(FAILED)
    assert labels_shown(labeller) == [("order-1042", "On its way")]


@pytest.mark.parametrize("again", [{}, {"zaap_id": "Z1"}])
def test_label_of_an_erased_message_is_deleted_and_not_stored_again(labeller, post, again):
    put_one(labeller)
    post(FAILED)
    request_erasure(find_person(PHONE), None)
    continue_erasures()
    assert not Label.objects.exists()
    labeller.write("PUT", PATH, TEXTS | again)
    assert not Label.objects.exists()


def test_new_label_for_an_erased_message_is_not_stored(labeller, post):
    post(FAILED)
    request_erasure(find_person(PHONE), None)
    continue_erasures()
    put_one(labeller)
    assert not Label.objects.exists()


@pytest.mark.parametrize("text", ["M1", "Z1", "order-1042"])
def test_search_shows_a_label_without_message_once(labeller, admin_client, text):
    put_one(labeller)
    page = admin_client.get("/", {"q": text}).content.decode()
    assert page.count("Your system labelled <code>") == 1
    assert "Your system labelled <code>M1</code>" in page


@pytest.mark.parametrize("text", ["M1", "Z1", "order-1042"])
def test_search_shows_the_message_once_it_is_reported_by_zaap_id(
    labeller, admin_client, post, text
):
    put_one(labeller)
    post(FAILED)
    page = admin_client.get("/", {"q": text}).content.decode()
    assert "On its way" in page
    assert "Your system labelled" not in page


def test_link_by_the_message_id_of_the_label_opens_the_message(labeller, admin_client, post):
    put_one(labeller)
    post(FAILED)
    (message,) = labeller.read("/messages/")["results"]
    answer = admin_client.get("/go/", {"message_id": "M1"})
    assert answer.url == f"/messages/{message['id']}/"


def test_label_has_no_message_only_if_neither_id_has_one(labeller, post):
    put_one(labeller)
    labeller.write("POST", "/labels/", [NAMED | TEXTS | {"message_id": "M2", "zaap_id": "Z2"}])
    post(FAILED)
    assert [label.zapi_id for label in Label.objects.without_message()] == ["M2"]
