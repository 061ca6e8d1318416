"""PUT and DELETE …/label, POST /api/v1/labels/."""

import pytest

from messages.models import Action, AuditEvent, Instance, KeyRole, Label
from messages.privacy import continue_erasures, find_person, request_erasure

from .test_keys import assert_problem

PATH = "/messages/instance.id/3EB0A1/label"
ONE = {"zapi_instance_id": "instance.id", "message_id": "3EB0A1", "reference": "R", "label": "L"}
CSV = b"zapi_instance_id,message_id,reference,label\n"

pytestmark = pytest.mark.usefixtures("instance")


def stored():
    return list(Label.objects.order_by("zapi_id").values_list("zapi_id", "reference", "label"))


def sheet(labeller, content):
    return labeller.send("POST", "/labels/", content, media_type="text/csv")


@pytest.mark.parametrize("path", [PATH, f"{PATH}/"])
def test_label_is_stored_before_its_message_exists(labeller, path):
    told = labeller.write("PUT", path, {"reference": "R", "label": "L"})
    assert told == ONE | {"zaap_id": ""}
    assert stored() == [("3EB0A1", "R", "L")]


def test_new_label_replaces_the_previous_one(labeller):
    labeller.write("PUT", PATH, {"reference": "R", "label": "L"})
    labeller.write("PUT", PATH, {"label": "New"})
    assert stored() == [("3EB0A1", "", "New")]
    assert Label.objects.get().label_folded == "new"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""),
        ({"reference": " "}, ""),
        ({"label": "x" * 201}, "/label"),
        ({"reference": "x" * 129}, "/reference"),
        ({"label": 7}, "/label"),
        ({"label": None}, "/label"),
        ({"label": "a\nb"}, "/label"),
        ({"label": "L", "colour": "red"}, "/colour"),
        ({"label": "L", "a/b~": "red"}, "/a~1b~0"),
        ({"label": "L", "message_id": "other"}, ""),
        (["L"], ""),
        ("L", ""),
    ],
)
def test_invalid_label_is_refused_with_a_pointer(labeller, body, pointer):
    told = assert_problem(labeller.send("PUT", PATH, body), 400)
    assert [error["pointer"] for error in told["errors"]] == [pointer]
    assert stored() == []


def test_too_long_message_id_is_an_error_of_the_path_parameter(labeller):
    path = f"/messages/instance.id/{'x' * 129}/label"
    told = assert_problem(labeller.send("PUT", path, {"label": "L"}), 400)
    assert [error.get("parameter") for error in told["errors"]] == ["message_id"]


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b'{"label": NaN}', b"\xff\xfe\xfd", b""])
def test_body_that_is_not_json_is_refused(labeller, body):
    assert_problem(labeller.send("PUT", PATH, body), 400)


def test_too_large_body_is_refused(labeller, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    assert_problem(labeller.send("PUT", PATH, {"label": "x" * 200}), 413)


def test_unknown_charset_is_ignored(labeller):
    media_type = "application/json; charset=nonsense"
    assert labeller.send("PUT", PATH, {"label": "L"}, media_type=media_type).status_code == 200


def test_unknown_instance_is_not_found(labeller):
    assert_problem(labeller.send("PUT", "/messages/other/M/label", {"label": "L"}), 404)


def test_read_only_key_cannot_label(make_key):
    reader = make_key(KeyRole.ADMIN)
    told = assert_problem(reader.send("PUT", PATH, {"label": "L"}), 403)
    assert told["detail"] == "This key cannot label messages."
    assert_problem(reader.send("POST", "/labels/", [ONE]), 403)


def test_instance_outside_the_limits_of_a_key_is_not_found(make_key, account):
    other = Instance.objects.create(account=account, name="Vendas", zapi_id="V")
    limited = make_key(may_label=True, instances=[other])
    assert_problem(limited.send("PUT", PATH, {"label": "L"}), 404)
    assert_problem(limited.send("DELETE", PATH), 404)
    assert_problem(limited.send("POST", "/labels/", [ONE]), 404)
    assert stored() == []


def test_label_can_be_deleted_once(labeller):
    labeller.write("PUT", PATH, {"label": "L"})
    assert labeller.send("DELETE", PATH).status_code == 204
    assert_problem(labeller.send("DELETE", PATH), 404)


@pytest.mark.parametrize("path", ["/labels/", "/labels"])
def test_many_messages_can_be_labelled_in_one_request(labeller, path):
    told = labeller.write("POST", path, [ONE, ONE | {"message_id": "B"}])
    assert told == {"labelled": 2}
    assert stored() == [("3EB0A1", "R", "L"), ("B", "R", "L")]


def test_bulk_labelling_query_count_is_fixed(labeller, django_assert_num_queries):
    labeller.read("/messages/")
    many = [ONE | {"message_id": str(number)} for number in range(110)]
    # Each row has 9 values, and SQLite accepts 999 values per statement. Queries: key, rate limit,
    # limits, instances, erased messages, savepoint (2), labels, audit.
    with django_assert_num_queries(9):
        labeller.write("POST", "/labels/", many)


def test_label_of_an_erased_message_is_not_stored(labeller, post):
    for message_id in ("3EB0A1", "B"):
        payload = {"type": "MessageStatusCallback", "status": "SENT", "ids": [message_id]}
        post(payload | {"phone": "5544999999999" if message_id == "B" else "5511988887777"})
    request_erasure(find_person("5544999999999"), None)
    continue_erasures()
    assert labeller.write("POST", "/labels/", [ONE, ONE | {"message_id": "B"}]) == {"labelled": 1}
    labeller.write("PUT", "/messages/instance.id/B/label", {"label": "L"})
    assert stored() == [("3EB0A1", "R", "L")]


def test_one_invalid_entry_refuses_the_whole_request(labeller):
    bad = [ONE, ONE | {"message_id": "B", "label": "x" * 201}, {"message_id": "C", "label": "L"}]
    told = assert_problem(labeller.send("POST", "/labels/", bad), 400)
    assert [error["pointer"] for error in told["errors"]] == ["/1/label", "/2/zapi_instance_id"]
    assert stored() == []


def test_entry_without_a_label_has_a_pointer_to_the_whole_entry(labeller):
    bad = [ONE, {"zapi_instance_id": "instance.id", "message_id": "B"}, "C"]
    told = assert_problem(labeller.send("POST", "/labels/", bad), 400)
    assert {error["pointer"] for error in told["errors"]} == {"/1", "/2"}


def test_unknown_instance_in_bulk_request_has_a_pointer(labeller):
    bad = [ONE, ONE | {"zapi_instance_id": "other"}]
    told = assert_problem(labeller.send("POST", "/labels/", bad), 404)
    assert [error["pointer"] for error in told["errors"]] == ["/1/zapi_instance_id"]
    assert "Label 2: Instance not found." in told["detail"]
    assert stored() == []


def test_message_labelled_twice_in_one_request_is_an_error(labeller):
    told = assert_problem(labeller.send("POST", "/labels/", [ONE, ONE]), 400)
    assert told["errors"][0]["pointer"] == "/1/message_id"


@pytest.mark.parametrize("body", [[], {}, [ONE] * 2001])
def test_empty_or_too_long_list_is_refused(labeller, body):
    assert_problem(labeller.send("POST", "/labels/", body), 400)


def test_csv_labels_its_rows(labeller):
    answer = sheet(labeller, CSV + "instance.id,A,R,Olá\n\ninstance.id,B,,L\n".encode())
    assert answer.json() == {"labelled": 2}
    assert stored() == [("A", "R", "Olá"), ("B", "", "L")]


def test_csv_of_a_brazilian_spreadsheet_is_accepted(labeller):
    text = "\ufeffMessage_ID;Zapi_Instance_ID;Label\r\nA;instance.id;Olá, você\r\n"
    assert sheet(labeller, text.encode()).json() == {"labelled": 1}
    assert stored() == [("A", "", "Olá, você")]


def test_csv_in_windows_1252_is_accepted(labeller):
    assert sheet(labeller, CSV + "instance.id,A,R,Olá\n".encode("cp1252")).status_code == 200
    assert stored() == [("A", "R", "Olá")]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"a,b\n1,2\n",
        CSV,
        CSV + b"instance.id,A,R,L,more\n",
        CSV.replace(b"label", b"reference"),
        b"\x81\x8d",
        CSV + b'"' + b"x" * 200_000,
    ],
)
def test_invalid_csv_is_refused(labeller, content):
    assert_problem(sheet(labeller, content), 400)
    assert stored() == []


def test_bulk_labelling_is_audited_with_count_and_key_name(labeller):
    labeller.write("POST", "/labels/", [ONE, ONE | {"message_id": "B"}])
    event = AuditEvent.objects.get(action=Action.LABELLED)
    assert event.details == {"messages": 2}
    assert event.actor_name.startswith("CRM (sb_")
