"""Parse callback bodies. No database, no Django settings."""

import json
import time
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.domain.statuses import Status
from messages.zapi.payloads import (
    NO_DEVICE,
    ConnectionReport,
    MalformedCallbackError,
    StatusReport,
    parse,
)

STATUS = {
    "status": "READ",
    "ids": ["B", "A", "B"],
    "momment": 1632234645000,
    "phone": "5544999999999",
    "type": "MessageStatusCallback",
    "instanceId": "instance.id",
}


def report(**changes) -> StatusReport:
    found = parse(json.dumps(STATUS | changes).encode()).report
    assert isinstance(found, StatusReport)
    return found


def test_ids_are_sorted_without_duplicates():
    assert report().message_ids == ("A", "B")


def test_single_id_is_accepted():
    assert report(ids=None, id="C").message_ids == ("C",)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("READ-SELF", Status.READ_BY_ME),
        ("MESSAGE_PLAYED", Status.PLAYED),
        ("delivered", Status.RECEIVED),
        ("EDITED", Status.UNKNOWN),
    ],
)
def test_status_names_are_old_new_or_unknown(word, status):
    assert (report(status=word).status, report(status=word).raw_status) == (status, word)


@pytest.mark.parametrize("momment", [1632234645000, "1632234645000", 1632234645, "1632234645"])
def test_momment_in_milliseconds_seconds_or_text_is_the_same(momment):
    assert report(momment=momment).occurred_at == datetime(2021, 9, 21, 14, 30, 45, tzinfo=UTC)


AFTERNOON = datetime(2026, 10, 6, 15, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    "momment",
    [
        1791300000,
        1791300000000,
        1791300000123000,
        "1791300000123000",
        1791300000123000000,
        "2026-10-06T15:20:00Z",
        "2026-10-06t15:20:00z",
        "2026-10-06T12:20:00-03:00",
        "2026-10-06 15:20:00.123456789",
        "20261006T152000Z",
    ],
)
def test_momment_in_any_unit_or_iso_text_is_the_same_second(momment):
    occurred_at = report(momment=momment).occurred_at
    assert occurred_at is not None
    assert occurred_at.replace(microsecond=0) == AFTERNOON


@pytest.mark.parametrize(
    "momment",
    [
        "2026-10-06",
        "2026-13-06T15:20:00Z",
        "15:20:00",
        26151515154,
        10**21,
        "T:",
        "0001-01-01T00:00:00+23:59",
    ],
)
def test_momment_that_is_not_a_time_is_none(momment):
    assert report(momment=momment).occurred_at is None


@pytest.mark.parametrize("momment", [None, "soon", 0, -1, 1e300, "9" * 100, True, [1]])
def test_absurd_momment_is_none(momment):
    assert report(momment=momment).occurred_at is None


def test_momment_is_preferred_to_moment():
    assert report(moment=1).momment == "1632234645000"


def test_device_in_a_group_is_the_participants():
    found = report(
        phone="120363-group", participant="5561", participantDevice=3, phoneDevice=9, isGroup=True
    )
    assert (found.is_group, found.participant, found.device) == (True, "5561", 3)


@pytest.mark.parametrize("phone", ["1203-group", "551199-1623281429", "status@broadcast"])
def test_group_is_recognized_by_its_address(phone):
    assert report(phone=phone).is_group


def test_lid_is_not_a_group():
    assert not report(phone="123456789012345@lid").is_group


@pytest.mark.parametrize("device", [None, "x", -3, 2**40, True])
def test_absurd_device_is_none(device):
    assert report(phoneDevice=device).device == NO_DEVICE


def test_delivery_with_an_error_is_a_failure_with_reason():
    body = {
        "type": "DeliveryCallback",
        "messageId": "M",
        "zaapId": "Z",
        "phone": "5544999999999",
        "error": "Phone number does not exist",
        "errorCode": "SHADOW_BAN",
    }
    found = parse(json.dumps(body).encode()).report
    assert isinstance(found, StatusReport)
    assert (found.status, found.zaap_id) == (Status.FAILED, "Z")
    assert found.reason == "Phone number does not exist (SHADOW_BAN)"


def test_disconnection_time_is_in_seconds():
    body = b'{"type":"DisconnectedCallback","momment":1580163342,"error":"Device is gone"}'
    moment = datetime(2020, 1, 27, 22, 15, 42, tzinfo=UTC)
    assert parse(body).report == ConnectionReport(False, moment, "Device is gone")


def test_inbound_message_with_a_status_reports_no_status():
    body = b'{"type":"ReceivedCallback","status":"RECEIVED","messageId":"M","instanceId":"i"}'
    assert parse(body).report is None


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"ids": []}, "message id is missing"),
        ({"ids": ["A", {"id": "B"}]}, "A message id is not a string"),
        ({"ids": ["A", 1.5]}, "A message id is not a string"),
        ({"ids": True}, "A message id is not a string"),
        ({"extra": json.loads("[" * 65 + "]" * 65)}, "nested more than 64 levels deep"),
        ({"ids": [str(n) for n in range(501)]}, "more than 500"),
        ({"ids": ["x" * 129]}, "longer than 128"),
        ({"status": None}, "status is missing"),
        ({"status": {"a": 1}}, "status is not a string"),
        ({"type": ""}, "type is missing"),
        ({"phone": "1" * 200}, "phone is longer"),
    ],
)
def test_malformed_body_is_explained(changes, cause):
    with pytest.raises(MalformedCallbackError, match=cause):
        parse(json.dumps(STATUS | changes).encode())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"null",
        b"\xff\xfe",
        b'{"a":NaN}',
        b"[" * 100_000,
        b'{"momment":' + b"9" * 9_000 + b"}",
    ],
)
def test_hostile_body_is_malformed(body):
    with pytest.raises(MalformedCallbackError):
        parse(body)


def test_characters_that_no_database_stores_are_replaced():
    assert report(ids=["a\0b", "\ud800"]).message_ids == ("?", "a\N{REPLACEMENT CHARACTER}b")


def test_empty_ids_are_skipped():
    assert report(ids=["A", None, "", " "]).message_ids == ("A",)


def test_brackets_in_a_string_do_not_count_as_depth():
    assert report(note='[{"' * 500 + '\\"[').message_ids == ("A", "B")


def test_depth_up_to_the_limit_is_accepted():
    assert report(extra=json.loads("[" * 63 + "]" * 63)).message_ids == ("A", "B")


@pytest.mark.parametrize("part", ['"[', '\\"[', "[", '["', '"\\', "{", '[{"a":"\\\\"'])
def test_depth_check_is_fast(part):
    started = time.thread_time()
    with pytest.raises(MalformedCallbackError):
        parse((part * (256 * 1024 // len(part))).encode())
    # Seconds of CPU time. A quadratic parser would need minutes.
    assert time.thread_time() - started < 10


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le"])
def test_body_that_is_not_utf8_is_malformed(encoding):
    with pytest.raises(MalformedCallbackError, match=r"not valid JSON|JSON is invalid"):
        parse(json.dumps(STATUS).encode(encoding))


def test_byte_order_mark_is_skipped():
    assert parse(json.dumps(STATUS).encode("utf-8-sig")).type == "MessageStatusCallback"


def test_duplicate_key_uses_the_last_value():
    body = b'{"type":"DeliveryCallback","messageId":"A","type":"ReceivedCallback"}'
    assert parse(body).type == "ReceivedCallback"


def test_huge_number_is_kept_as_text():
    found = parse(
        b'{"type":"MessageStatusCallback","status":"READ","id":"M","momment":1e999}'
    ).report
    assert isinstance(found, StatusReport)
    assert (found.momment, found.occurred_at) == ("Infinity", None)


@pytest.mark.parametrize("kind", ["DeliveryCallback", "DisconnectedCallback"])
def test_echoed_client_token_is_hidden(kind):
    error = "Client-Token F1234abcd not allowed"
    found = parse(json.dumps({"type": kind, "messageId": "M", "error": error}).encode()).report
    assert isinstance(found, StatusReport | ConnectionReport)
    assert found.reason == "Client-Token [hidden] not allowed"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(
    st.dictionaries(st.sampled_from([*STATUS, "id", "isGroup", "participant"]), json_values),
    st.sampled_from(["MessageStatusCallback", "DeliveryCallback", "ConnectedCallback"]),
)
def test_any_fields_parse_or_are_malformed(fields, kind):
    with suppress(MalformedCallbackError):
        assert parse(json.dumps(fields | {"type": kind}).encode()).type == kind
