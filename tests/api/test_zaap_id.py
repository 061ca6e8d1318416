"""A label put under both ids of a message that Z-API reports under one, as it does of failures."""

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
def test_a_failure_under_the_zaap_id_alone_has_the_label(labeller, post, put, comes_first):
    steps = [lambda: put(labeller), lambda: post(FAILED)]
    for step in steps if comes_first == "label" else reversed(steps):
        step()
    assert labels_shown(labeller) == [("order-1042", "On its way")]


@pytest.mark.parametrize("message_id", ["M1", "Z1"])
def test_a_later_step_under_either_id_has_it_too(labeller, post, message_id):
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
def test_the_message_is_found_by_all_that_its_label_says(labeller, post, query):
    put_one(labeller)
    post(FAILED)
    assert found(labeller, **query) == ["Z1"]


def test_its_events_are_found_by_the_id_that_only_the_label_names(labeller, post):
    put_one(labeller)
    post(FAILED)
    events = labeller.read("/events/", message_id="M1")["results"]
    assert [event["status"] for event in events] == ["FAILED"]


def test_the_answer_tells_the_zaap_id(labeller):
    assert put_one(labeller) == NAMED | TEXTS


def test_the_same_zaap_id_at_another_instance_is_another_message(labeller, post, account):
    Instance.objects.create(account=account, name="Vendas", zapi_id="V")
    labeller.write("PUT", "/messages/V/M1/label", TEXTS | {"zaap_id": "Z1"})
    post(FAILED)
    assert labels_shown(labeller) == [("", "")]


def test_a_label_that_is_put_later_under_the_zaap_id_takes_its_place(labeller, post):
    put_one(labeller)
    labeller.write("PUT", "/messages/instance.id/Z1/label", {"label": "New"})
    post(FAILED)
    assert labels_shown(labeller) == [("", "New")]


def test_a_label_that_is_put_later_with_the_zaap_id_takes_the_place_of_one_under_it(labeller, post):
    labeller.write("PUT", "/messages/instance.id/Z1/label", {"label": "Old"})
    put_one(labeller)
    post(FAILED)
    assert labels_shown(labeller) == [("order-1042", "On its way")]


@pytest.mark.parametrize("message_id", ["M1", "Z1"])
def test_it_is_removed_by_either_id(labeller, message_id):
    put_one(labeller)
    assert labeller.send("DELETE", f"/messages/instance.id/{message_id}/label").status_code == 204
    assert not Label.objects.exists()


@pytest.mark.parametrize(
    ("zaap_id", "words"),
    [("x" * 129, "Longer than"), (7, "Must be a string."), ("a\nb", "unprintable character")],
)
def test_a_zaap_id_that_is_none_is_refused(labeller, zaap_id, words):
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
def test_a_message_labelled_twice_under_one_zaap_id_is_an_error(labeller, ids, pointer):
    told = assert_problem(
        labeller.send("POST", "/labels/", [NAMED | TEXTS, NAMED | TEXTS | ids]), 400
    )
    assert [error["pointer"] for error in told["errors"]] == [pointer]


def test_ids_that_are_the_same_are_one(labeller, post):
    labeller.write("POST", "/labels/", [NAMED | TEXTS | {"message_id": "Z1"}])
    post(FAILED)
    assert labels_shown(labeller) == [("order-1042", "On its way")]


@pytest.mark.parametrize("again", [{}, {"zaap_id": "Z1"}])
def test_of_an_erased_message_it_goes_and_does_not_come_back(labeller, post, again):
    put_one(labeller)
    post(FAILED)
    request_erasure(find_person(PHONE), None)
    continue_erasures()
    assert not Label.objects.exists()
    labeller.write("PUT", PATH, TEXTS | again)
    assert not Label.objects.exists()


def test_of_a_message_erased_before_it_was_labelled_it_is_not_kept(labeller, post):
    post(FAILED)
    request_erasure(find_person(PHONE), None)
    continue_erasures()
    put_one(labeller)
    assert not Label.objects.exists()


@pytest.mark.parametrize("text", ["M1", "Z1", "order-1042"])
def test_what_was_announced_under_both_ids_is_told_once(labeller, admin_client, text):
    put_one(labeller)
    page = admin_client.get("/", {"q": text}).content.decode()
    assert page.count("Your system labelled <code>") == 1
    assert "Your system labelled <code>M1</code>" in page


@pytest.mark.parametrize("text", ["M1", "Z1", "order-1042"])
def test_what_was_announced_is_confirmed_by_a_report_under_the_other_id(
    labeller, admin_client, post, text
):
    put_one(labeller)
    post(FAILED)
    page = admin_client.get("/", {"q": text}).content.decode()
    assert "On its way" in page
    assert "Your system labelled" not in page


def test_a_link_by_the_id_that_only_the_label_names_leads_to_the_message(
    labeller, admin_client, post
):
    put_one(labeller)
    post(FAILED)
    (message,) = labeller.read("/messages/")["results"]
    answer = admin_client.get("/go/", {"message_id": "M1"})
    assert answer.url == f"/messages/{message['id']}/"


def test_only_one_without_a_message_under_either_id_is_without_one(labeller, post):
    put_one(labeller)
    labeller.write("POST", "/labels/", [NAMED | TEXTS | {"message_id": "M2", "zaap_id": "Z2"}])
    post(FAILED)
    assert [label.zapi_id for label in Label.objects.without_message()] == ["M2"]
