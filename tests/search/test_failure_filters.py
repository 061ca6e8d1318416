"""Failed messages by reason and retry: the page, the API and saved queries."""

import pytest
from django.http import QueryDict

from messages.search.criteria import Criteria

TEXTS = {
    "NUMBER": "Phone number does not exist",
    "TIMEOUT": "Timeout on send message",
    "NEW": "Something new",
    "SILENT": "",
}


@pytest.fixture(autouse=True)
def _failures(deliver, report):
    for name, text in TEXTS.items():
        if text:
            deliver(name, error=text)
    report("FAILED", id="SILENT")
    report("SENT", id="SENT")
    deliver("LATE", error=TEXTS["NUMBER"])
    report("RECEIVED", id="LATE")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("reason=phone_number_does_not_exist", {"NUMBER"}),
        ("reason=unknown", {"NEW"}),
        ("reason=not_given", {"SILENT"}),
        ("retry=later", {"TIMEOUT"}),
        ("retry=no&retry=later", {"NUMBER", "TIMEOUT"}),
        ("reason=send_timeout&retry=no", set()),
        ("reason=send_timeout&view=failed", {"TIMEOUT"}),
    ],
)
def test_page_and_api_find_the_same_failures(viewer, reader, query, found):
    page = viewer.get(f"/?{query}").context
    assert {row.message.zapi_id for row in page.get("rows", ())} == found
    rows = reader.read(f"/messages/?{query}")["results"]
    assert {row["message_id"] for row in rows} == found


def test_filters_survive_in_a_saved_query():
    query = "retry=no&reason=unknown&reason=send_timeout"
    criteria = Criteria.read(QueryDict(query))
    assert Criteria.read(QueryDict("&".join(map("=".join, criteria.query())))) == criteria


def test_page_ignores_an_unknown_reason(viewer):
    assert "NUMBER" in viewer.get("/?reason=nonsense&retry=%00").content.decode()


def test_api_refuses_an_unknown_reason(reader):
    answer = reader.send("GET", "/messages/?reason=nonsense&retry=x")
    assert answer.status_code == 400
    assert {error["parameter"] for error in answer.json()["errors"]} == {"reason", "retry"}


def test_api_explains_a_failure(reader):
    (row,) = reader.read("/messages/?reason=send_timeout")["results"]
    assert row["failure_reason"] == "Timeout on send message"
    text = row["failure"].pop("text")
    assert text.startswith("WhatsApp did not confirm in time")
    assert row["failure"] == {
        "code": "send_timeout",
        "category": "connection",
        "owner": "zapi_or_whatsapp",
        "retry": "later",
    }


def test_api_has_no_failure_for_a_message_delivered_after_all(reader):
    (row,) = reader.read("/messages/?message_id=LATE")["results"]
    assert (row["failure"], row["failure_reason"]) == (None, TEXTS["NUMBER"])


def test_chip_removes_the_reason(viewer):
    page = viewer.get("/?reason=send_timeout&retry=later").content.decode()
    assert 'class="chip" href="/?retry=later"' in page
    assert 'class="chip" href="/?reason=send_timeout"' in page


def test_chip_of_reasons_with_the_same_meaning_removes_all_of_them(viewer):
    query = "reason=instance_disconnected&reason=device_disconnected&reason=unknown"
    chips = viewer.get(f"/?{query}").context["chips"]
    assert [(str(chip.label), chip.url) for chip in chips] == [
        (
            "Reason: Our number was not connected to WhatsApp.",
            "/?reason=unknown",
        ),
        (
            "Reason: Not in the catalog of reasons",
            "/?reason=instance_disconnected&reason=device_disconnected",
        ),
    ]


def test_chip_of_a_part_of_a_reason_has_the_text_of_zapi(viewer):
    (chip,) = viewer.get("/?reason=device_disconnected").context["chips"]
    assert chip.label == "Reason: “Device has been disconnected”"
