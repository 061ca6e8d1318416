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
def test_a_message_is_labelled_before_it_is_heard_of(labeller, path):
    told = labeller.write("PUT", path, {"reference": "R", "label": "L"})
    assert told == ONE | {"zaap_id": ""}
    assert stored() == [("3EB0A1", "R", "L")]


def test_a_label_takes_the_place_of_the_one_before(labeller):
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
def test_a_label_that_is_none_is_refused(labeller, body, pointer):
    told = assert_problem(labeller.send("PUT", PATH, body), 400)
    assert [error["pointer"] for error in told["errors"]] == [pointer]
    assert stored() == []


def test_an_id_too_long_is_a_fault_of_the_address(labeller):
    path = f"/messages/instance.id/{'x' * 129}/label"
    told = assert_problem(labeller.send("PUT", path, {"label": "L"}), 400)
    assert [error.get("parameter") for error in told["errors"]] == ["message_id"]


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b'{"label": NaN}', b"\xff\xfe\xfd", b""])
def test_a_body_that_is_no_json_is_refused(labeller, body):
    assert_problem(labeller.send("PUT", PATH, body), 400)


def test_a_body_too_large_is_refused(labeller, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    assert_problem(labeller.send("PUT", PATH, {"label": "x" * 200}), 413)


def test_an_unknown_charset_is_no_failure(labeller):
    media_type = "application/json; charset=nonsense"
    assert labeller.send("PUT", PATH, {"label": "L"}, media_type=media_type).status_code == 200


def test_an_unknown_instance_is_not_found(labeller):
    assert_problem(labeller.send("PUT", "/messages/other/M/label", {"label": "L"}), 404)


def test_a_key_that_only_reads_labels_nothing(make_key):
    reader = make_key(KeyRole.ADMIN)
    told = assert_problem(reader.send("PUT", PATH, {"label": "L"}), 403)
    assert told["detail"] == "This key cannot label messages."
    assert_problem(reader.send("POST", "/labels/", [ONE]), 403)


def test_an_instance_out_of_reach_is_not_found(make_key, account):
    other = Instance.objects.create(account=account, name="Vendas", zapi_id="V")
    limited = make_key(may_label=True, instances=[other])
    assert_problem(limited.send("PUT", PATH, {"label": "L"}), 404)
    assert_problem(limited.send("DELETE", PATH), 404)
    assert_problem(limited.send("POST", "/labels/", [ONE]), 404)
    assert stored() == []


def test_a_label_is_removed_once(labeller):
    labeller.write("PUT", PATH, {"label": "L"})
    assert labeller.send("DELETE", PATH).status_code == 204
    assert_problem(labeller.send("DELETE", PATH), 404)


@pytest.mark.parametrize("path", ["/labels/", "/labels"])
def test_many_are_labelled_at_once(labeller, path):
    told = labeller.write("POST", path, [ONE, ONE | {"message_id": "B"}])
    assert told == {"labelled": 2}
    assert stored() == [("3EB0A1", "R", "L"), ("B", "R", "L")]


def test_many_take_as_few_statements_as_one(labeller, django_assert_num_queries):
    labeller.read("/messages/")
    many = [ONE | {"message_id": str(number)} for number in range(120)]
    # Of 8 values each, for SQLite takes 999 in a statement.
    # The key, its minute, its limits; the instances; what was erased; a transaction of one
    # statement; the audit.
    with django_assert_num_queries(9):
        labeller.write("POST", "/labels/", many)


def test_of_an_erased_message_none_is_kept(labeller, post):
    for message_id in ("3EB0A1", "B"):
        payload = {"type": "MessageStatusCallback", "status": "SENT", "ids": [message_id]}
        post(payload | {"phone": "5544999999999" if message_id == "B" else "5511988887777"})
    request_erasure(find_person("5544999999999"), None)
    continue_erasures()
    assert labeller.write("POST", "/labels/", [ONE, ONE | {"message_id": "B"}]) == {"labelled": 1}
    labeller.write("PUT", "/messages/instance.id/B/label", {"label": "L"})
    assert stored() == [("3EB0A1", "R", "L")]


def test_one_bad_entry_keeps_all_others_out(labeller):
    bad = [ONE, ONE | {"message_id": "B", "label": "x" * 201}, {"message_id": "C", "label": "L"}]
    told = assert_problem(labeller.send("POST", "/labels/", bad), 400)
    assert [error["pointer"] for error in told["errors"]] == ["/1/label", "/2/zapi_instance_id"]
    assert stored() == []


def test_an_entry_without_a_label_is_pointed_at_as_a_whole(labeller):
    bad = [ONE, {"zapi_instance_id": "instance.id", "message_id": "B"}, "C"]
    told = assert_problem(labeller.send("POST", "/labels/", bad), 400)
    assert {error["pointer"] for error in told["errors"]} == {"/1", "/2"}


def test_an_unknown_instance_among_many_is_named(labeller):
    bad = [ONE, ONE | {"zapi_instance_id": "other"}]
    told = assert_problem(labeller.send("POST", "/labels/", bad), 404)
    assert [error["pointer"] for error in told["errors"]] == ["/1/zapi_instance_id"]
    assert "Label 2: Instance not found." in told["detail"]
    assert stored() == []


def test_a_message_labelled_twice_in_one_go_is_an_error(labeller):
    told = assert_problem(labeller.send("POST", "/labels/", [ONE, ONE]), 400)
    assert told["errors"][0]["pointer"] == "/1/message_id"


@pytest.mark.parametrize("body", [[], {}, [ONE] * 2001])
def test_none_and_too_many_are_refused(labeller, body):
    assert_problem(labeller.send("POST", "/labels/", body), 400)


def test_a_csv_labels_its_rows(labeller):
    answer = sheet(labeller, CSV + "instance.id,A,R,Olá\n\ninstance.id,B,,L\n".encode())
    assert answer.json() == {"labelled": 2}
    assert stored() == [("A", "R", "Olá"), ("B", "", "L")]


def test_a_csv_of_a_brazilian_spreadsheet_is_understood(labeller):
    text = "\ufeffMessage_ID;Zapi_Instance_ID;Label\r\nA;instance.id;Olá, você\r\n"
    assert sheet(labeller, text.encode()).json() == {"labelled": 1}
    assert stored() == [("A", "", "Olá, você")]


def test_a_csv_in_the_code_page_of_windows_is_understood(labeller):
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
def test_a_csv_that_is_none_is_refused(labeller, content):
    assert_problem(sheet(labeller, content), 400)
    assert stored() == []


def test_bulk_is_audited_with_a_count_and_the_name_of_the_key(labeller):
    labeller.write("POST", "/labels/", [ONE, ONE | {"message_id": "B"}])
    event = AuditEvent.objects.get(action=Action.LABELLED)
    assert event.details == {"messages": 2}
    assert event.actor_name.startswith("CRM (sb_")
