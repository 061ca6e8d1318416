"""GET /api/v1/messages/ and /api/v1/messages/{id}/."""

import re

import pytest
from django.utils import timezone

from messages.models import Instance, Message, StatusEvent

GROUP = {"isGroup": True, "phone": "120363-group"}


@pytest.fixture
def _masked(settings):
    """The Support role may not see phone numbers."""
    settings.MASK_PHONES_FOR = ["support"]


def found(caller, **query):
    return [row["message_id"] for row in caller.read("/messages/", **query)["results"]]


def only(caller, message_id="3EB0A1"):
    (row,) = caller.read("/messages/", message_id=message_id)["results"]
    return row


def test_message_is_found_by_its_id(reader, report):
    report("SENT")
    report("SENT", id="OTHER")
    assert found(reader, message_id="3EB0A1") == ["3EB0A1"]


@pytest.mark.parametrize("text", ["['3EB0A1']", "true_5544999999999@c.us_3EB0A1"])
def test_message_is_found_by_an_id_copied_with_other_text(reader, report, text):
    report("SENT")
    report("SENT", id="OTHER")
    assert found(reader, message_id=text) == found(reader, q=text) == ["3EB0A1"]


def test_message_is_found_by_the_first_half_of_its_id(reader, report):
    report("SENT", id="3EB0C767D097E2E3A2F1")
    assert found(reader, q="3EB0C767D0") == ["3EB0C767D097E2E3A2F1"]
    assert found(reader, message_id="3EB0C767D0") == []


def test_message_is_found_by_its_zaap_id(reader, deliver):
    deliver()
    assert found(reader, message_id="Z3EB0A1") == ["3EB0A1"]


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["PENDING"], "PENDING"),
        (["SENT"], "SENT"),
        (["FAILED"], "FAILED"),
        (["SENT", "DELIVERED"], "RECEIVED"),
        (["READ", "SENT"], "READ"),
        (["PLAYED"], "PLAYED"),
        (["READ_BY_ME"], "READ_BY_ME"),
        (["PLAYED_BY_ME"], "PLAYED_BY_ME"),
        (["TELEPORTED"], "UNKNOWN"),
        (["SENT", "READ_BY_ME"], "SENT"),
    ],
)
def test_status_is_the_highest_reported_step(reader, report, words, status):
    message = report(*words)
    assert reader.read(f"/messages/{message.pk}/")["status"] == status
    assert only(reader)["status"] == status


STEPS = {
    "DISPATCHED": [],
    "PENDING": ["PENDING"],
    "SENT": ["SENT"],
    "FAILED": ["FAILED"],
    "RECEIVED": ["SENT", "DELIVERED"],
    "READ": ["READ", "READ_BY_ME"],
    "PLAYED": ["PLAYED"],
    "READ_BY_ME": ["READ_BY_ME"],
    "PLAYED_BY_ME": ["READ_BY_ME", "PLAYED_BY_ME"],
    "UNKNOWN": ["TELEPORTED", "READ_BY_ME"],
}


@pytest.fixture
def _one_of_each(report, deliver):
    for status, steps in STEPS.items():
        report(*steps, id=status) if steps else deliver(id=status)
    report("PENDING", id="PENDING, THEN DISPATCHED")
    deliver(id="PENDING, THEN DISPATCHED")


@pytest.mark.usefixtures("_one_of_each")
@pytest.mark.parametrize("statuses", [[name] for name in STEPS] + [["PENDING", "READ_BY_ME"]])
def test_status_filter_returns_exactly_the_messages_with_that_status(reader, statuses):
    everything = reader.read("/messages/", inbound="true")["results"]
    wanted = [row["message_id"] for row in everything if row["status"] in statuses]
    assert set(statuses) <= set(wanted)
    assert found(reader, status=statuses) == wanted


def test_message_accepted_by_zapi_is_dispatched(reader, deliver):
    deliver()
    assert only(reader)["status"] == "DISPATCHED"


def test_step_times_are_in_utc(reader, report):
    message = report("SENT", "RECEIVED", "READ")
    told = reader.read(f"/messages/{message.pk}/")
    for name in ("sent_at", "delivered_at", "read_at"):
        assert told[name] == getattr(message, name).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert told["played_at"] is None


def test_times_are_in_utc_whatever_the_accept_language(reader, report):
    message = report("SENT")
    answer = reader.send("GET", "/messages/", headers={"accept-language": "pt-br"})
    assert re.fullmatch(r".*Z", answer.json()["results"][0]["sent_at"])
    assert message.sent_at.strftime("%H:%M:%SZ") in answer.json()["results"][0]["sent_at"]


def test_event_contains_what_was_reported(reader, report):
    message = report("read", phoneDevice=3)
    (event,) = reader.read(f"/messages/{message.pk}/")["events"]
    told = {name: event[name] for name in ("status", "raw_status", "phone", "participant")}
    assert told == {
        "status": "READ",
        "raw_status": "read",
        "phone": "5544999999999",
        "participant": "",
    }
    assert event["device"] == 3
    assert event["occurred_at"].endswith("Z")
    assert event["received_at"].endswith("Z")


def test_event_counts_its_duplicates(reader, report, post):
    payload = {
        "type": "MessageStatusCallback",
        "status": "READ",
        "ids": ["M"],
        "momment": 1632234645000,
        "phone": "5544999999999",
    }
    for _ in range(3):
        post(payload)
    (event,) = only(reader, "M")["events"]
    assert event["repeats"] == 2


def test_group_event_contains_the_participant_and_no_device(reader, report):
    report("READ", **GROUP, participant="5561999999999")
    (event,) = only(reader)["events"]
    assert (event["participant"], event["device"]) == ("5561999999999", None)


def test_events_are_sorted_by_time(reader, report):
    report("READ", "RECEIVED")
    statuses = [event["status"] for event in only(reader)["events"]]
    assert statuses == ["READ", "RECEIVED"]  # sorted by time, not by status rank


def test_message_with_more_than_300_events_has_more_events(reader, report):
    message = report("READ", **GROUP, participant="5561999999999")
    event = message.events.get()
    copies = range(310)
    StatusEvent.objects.bulk_create(
        StatusEvent(
            message=message,
            status="READ",
            raw_status="READ",
            participant=f"55{number}",
            occurred_at=event.occurred_at,
            received_at=event.received_at,
            callback_id=event.callback_id,
        )
        for number in copies
    )
    told = reader.read(f"/messages/{message.pk}/")
    assert (len(told["events"]), told["has_more_events"]) == (300, True)


def test_message_contains_its_label(reader, labeller, report):
    labeller.write("PUT", "/messages/instance.id/3EB0A1/label", {"reference": "R", "label": "L"})
    report("SENT")
    assert (only(reader)["reference"], only(reader)["label"]) == ("R", "L")


def test_message_with_a_label_by_zaap_id_contains_it_and_is_found(labeller, deliver):
    deliver()
    deliver(id="OTHER")
    labeller.write("PUT", "/messages/instance.id/Z3EB0A1/label", {"reference": "order-1"})
    assert only(labeller)["reference"] == "order-1"
    assert found(labeller, reference="order-1") == ["3EB0A1"]


def test_messages_can_be_filtered_by_reference(reader, labeller, report):
    report("SENT")
    report("SENT", id="OTHER")
    labeller.write("PUT", "/messages/instance.id/3EB0A1/label", {"reference": "order-1"})
    assert found(reader, reference="order-1") == ["3EB0A1"]
    assert found(reader, reference="order-2") == []


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({}, ["B", "A"]),
        ({"status": "READ"}, ["B"]),
        ({"status": ["READ", "SENT"]}, ["B", "A"]),
        ({"reached": "SENT"}, ["B", "A"]),
        ({"q": "44 99999-9999"}, ["A"]),
        ({"view": "no-read"}, []),
        ({"period": "24h"}, ["B", "A"]),
        ({"since": "2100-01-01T00:00:00Z"}, []),
        ({"until": "2010-01-01T00:00:00Z"}, []),
        ({"groups": "true"}, []),
        ({"inbound": "true"}, ["C", "B", "A"]),
    ],
)
def test_filters_are_the_same_as_on_the_messages_page(reader, report, query, ids):
    report("SENT", id="A")
    report("READ", id="B", phone="5511988887777")
    report("READ_BY_ME", id="C", phone="5511988887777")
    assert found(reader, **query) == ids


def test_instance_filter_accepts_several_values(reader, report, instance):
    report("SENT")
    assert found(reader, instance=[instance.pk, 999]) == ["3EB0A1"]
    assert found(reader, instance=999) == []


@pytest.mark.parametrize(
    "query",
    [
        {"status": "DREAD"},
        {"instance": "x"},
        {"instance": str(2**70)},
        {"period": "1y"},
        {"since": "yesterday"},
        {"groups": "perhaps"},
        {"stauts": "READ"},
        {"": "READ"},
        {"limit": "0"},
        {"limit": "201"},
        {"limit": "many"},
        {"message_id": "x" * 513},
        {"q": "a\x00b"},
    ],
)
def test_invalid_filter_is_an_error(reader, query):
    answer = reader.send("GET", "/messages/", query_params=query)
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["parameter"] == next(iter(query))


@pytest.mark.parametrize(
    "span", [{"since": "0001-01-01T00:00:00Z"}, {"until": "9999-12-31T23:59:59.999999"}]
)
@pytest.mark.parametrize("zone", ["UTC", "America/Sao_Paulo", "Asia/Tokyo"])
def test_earliest_and_latest_possible_times_are_accepted(reader, report, span, zone):
    report("SENT")
    with timezone.override(zone):
        assert found(reader, **span) == ["3EB0A1"]


def test_pagination_has_no_gaps_or_duplicates(reader, instance):
    now = timezone.now()
    Message.objects.bulk_create(
        Message(
            instance=instance,
            zapi_id=f"M{number}",
            rank=20,
            is_group=False,
            inbound=False,
            first_heard_at=now,  # all messages have the same time
            started_at=now,
        )
        for number in range(25)
    )
    page = reader.read("/messages/", limit=10)
    seen = [row["message_id"] for row in page["results"]]
    while page["next"]:
        page = reader.read(page["next"])
        seen += [row["message_id"] for row in page["results"]]
    assert seen == [f"M{number}" for number in reversed(range(25))]


def test_new_message_does_not_shift_the_next_page(reader, report):
    for name in "ABC":
        report("SENT", id=name)
    first = reader.read("/messages/", limit=2)
    report("SENT", id="NEW")
    assert [row["message_id"] for row in reader.read(first["next"])["results"]] == ["A"]


def test_previous_cursor_returns_newer_messages(reader, report):
    report("SENT", id="A")
    first = reader.read("/messages/")
    report("SENT", id="B")
    newer = reader.read(first["previous"])
    assert [row["message_id"] for row in newer["results"]] == ["B"]


def test_next_cursor_keeps_the_filters(reader, report):
    for name in "ABC":
        report("READ", id=name)
        report("SENT", id=f"{name}2")
    first = reader.read("/messages/", status="READ", limit=2)
    assert [row["message_id"] for row in reader.read(first["next"])["results"]] == ["A"]


def test_cursor_of_another_list_is_refused(reader, report):
    report("SENT", "READ")
    cursor = reader.read("/events/", limit=1)["next"].split("cursor=")[1]
    assert reader.send("GET", f"/messages/?cursor={cursor}").status_code == 404


def test_invalid_cursor_is_refused(reader):
    assert reader.send("GET", "/messages/?cursor=made-up").status_code == 404


@pytest.mark.parametrize("number", [1, 20])
def test_message_list_query_count_is_fixed(
    reader, report, instance, django_assert_num_queries, number
):
    for one in range(number):
        report("SENT", "READ", id=f"M{one}")
    reader.read("/messages/")
    # Queries: key, rate limit, limits, messages, responses, events, labels.
    with django_assert_num_queries(7):
        reader.read("/messages/")


def test_single_message_query_count_is_fixed(reader, report, django_assert_num_queries):
    message = report("SENT", "READ")
    reader.read("/messages/")
    with django_assert_num_queries(7):
        reader.read(f"/messages/{message.pk}/")


def test_unknown_message_is_not_found(reader):
    assert reader.send("GET", "/messages/999/").status_code == 404


@pytest.mark.usefixtures("_masked")
def test_numbers_are_masked_for_a_role_that_may_not_see_them(reader, report):
    message = report("READ", **GROUP, participant="5561999999988")
    report("READ", id="OTHER")
    assert only(reader, "OTHER")["phone"] == "•••• 99"
    assert only(reader, "OTHER")["events"][0]["phone"] == "•••• 99"
    assert reader.read(f"/messages/{message.pk}/")["events"][0]["participant"] == "•••• 88"
    assert "999999" not in reader.send("GET", "/events/").content.decode()


@pytest.mark.usefixtures("_masked")
def test_masked_role_cannot_search_by_number(reader, report):
    report("READ")
    assert reader.send("GET", "/messages/?q=5544").status_code == 400
    assert reader.send("GET", "/recipients/?phone=5544999999999").status_code == 403


def test_limited_key_cannot_see_messages_of_another_instance(make_key, report, account, instance):
    other = Instance.objects.create(account=account, name="Vendas", zapi_id="V")
    message = report("READ")
    limited = make_key(instances=[other])
    assert found(limited) == found(limited, message_id="3EB0A1") == []
    assert limited.send("GET", f"/messages/{message.pk}/").status_code == 404
    for path in ("/events/", "/recipients/"):
        assert limited.read(path)["results"] == []


def test_key_sees_the_instances_of_its_account(make_key, report, account):
    report("READ")
    assert found(make_key(accounts=[account])) == ["3EB0A1"]
