"""Examples for the schema, with invented data."""

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample

_INSTANCE: Final = {"id": 1, "zapi_id": "3C0D1E2F", "name": "Support"}
_EVENT: Final = {
    "id": 7,
    "status": "READ",
    "raw_status": "READ",
    "source": "MessageStatusCallback",
    "occurred_at": "2026-11-22T09:14:03Z",
    "received_at": "2026-11-22T09:14:04.218000Z",
    "occurred_at_is_arrival": False,
    "phone": "5544999999999",
    "participant": "",
    "device": 0,
    "reason": "",
    "repeats": 0,
}


def _example(name: str, value: Any, *, is_request: bool = False) -> OpenApiExample:
    return OpenApiExample(name, value=value, request_only=is_request, response_only=not is_request)


_MESSAGE: Final = {
    "id": 42,
    "message_id": "3EB0A1",
    "zaap_id": "3EB0A1",
    "instance": _INSTANCE,
    "phone": "5544999999999",
    "kind": "individual",
    "is_group": False,
    "inbound": False,
    "reference": "order-1042",
    "label": "Your order is on its way",
    "status": "READ",
    "failure": None,
    "failure_reason": "",
    "first_heard_at": "2026-11-22T09:13:51.030000Z",
    "last_event_at": "2026-11-22T09:14:03Z",
    "dispatched_at": "2026-11-22T09:13:50Z",
    "sent_at": "2026-11-22T09:13:51Z",
    "failed_at": None,
    "delivered_at": "2026-11-22T09:13:55Z",
    "read_at": "2026-11-22T09:14:03Z",
    "played_at": None,
    "read_by_us_at": None,
    "read_by_us_is_automatic": None,
    "answered_at": None,
    "answer_kind": None,
    "answer_count": 0,
    "wrote_at": None,
    "events": [_EVENT],
    "has_more_events": False,
}
_VERDICT: Final = {
    "cause": "number_does_not_exist",
    "certainty": "said",
    "owner": "recipient",
    "text": "This number was not on WhatsApp.",
    "sources": [
        {
            "source": "failure",
            "finding": "listed_reason",
            "says": "supports",
            "text": "Z-API’s reason: “Phone number does not exist”.",
        },
        {
            "source": "instance",
            "finding": "connected",
            "says": "neutral",
            "text": "Connected since 2026-11-02T08:00:00Z.",
        },
        {
            "source": "queue",
            "finding": "not_asked",
            "says": "unknown",
            "text": "Not asked yet.",
        },
        {
            "source": "neighbours",
            "finding": "most_delivered",
            "says": "supports",
            "text": "212 of 214 other messages sent from this number in the same half hour were "
            "delivered. So our number was working.",
        },
        {
            "source": "recipient",
            "finding": "first_message",
            "says": "neutral",
            "text": "No earlier message to this recipient is known.",
        },
    ],
    "possible": ["number_changed"],
    "advice": "check_number",
    "advice_text": "Ask the customer for the right number.",
}
MESSAGE: Final = _example("A message that was read", _MESSAGE)
MESSAGE_DETAIL: Final = _example(
    "A message that was read", _MESSAGE | {"answers": [], "verdict": None}
)
FAILED_MESSAGE: Final = _example(
    "A message that failed",
    _MESSAGE
    | {
        "status": "FAILED",
        "failure": {
            "code": "phone_number_does_not_exist",
            "category": "number_does_not_exist",
            "owner": "recipient",
            "retry": "no",
            "text": "This number was not on WhatsApp.",
        },
        "failure_reason": "Phone number does not exist",
        "last_event_at": "2026-11-22T09:13:51Z",
        "sent_at": None,
        "failed_at": "2026-11-22T09:13:51Z",
        "delivered_at": None,
        "read_at": None,
        "events": [],
        "answers": [],
        "verdict": _VERDICT,
    },
)
LISTED_EVENT: Final = _example(
    "A reading", _EVENT | {"message": 42, "message_id": "3EB0A1", "instance": _INSTANCE}
)
RECIPIENT: Final = _example(
    "A customer",
    {
        "phone": "5544999999999",
        "messages": 12,
        "delivered": 11,
        "read": 9,
        "failed": 1,
        "first_message_at": "2026-10-02T12:00:00Z",
        "last_message_at": "2026-11-22T09:13:51.030000Z",
    },
)
INSTANCE: Final = _example(
    "A connected number",
    _INSTANCE
    | {
        "account": "Shop",
        "connected": True,
        "connection_changed_at": "2026-11-20T08:00:00Z",
        "connection_reason": "",
        "last_heard_at": "2026-11-22T09:14:04.218000Z",
        "webhook": "in sync",
        "stuck": 2,
        "unconfirmed": 0,
        "created_at": "2026-10-01T08:00:00Z",
        "auto_read": False,
        "receipts_off_since": None,
    },
)
SUMMARY: Final = _example(
    "An hour",
    {
        "id": 9,
        "hour": "2026-11-22T09:00:00Z",
        "instance": _INSTANCE,
        "is_group": False,
        "messages": 120,
        "dispatched": 120,
        "sent": 119,
        "delivered": 110,
        "read": 64,
        "played": 2,
        "failed": 1,
        "waiting_to_send": 0,
        "waiting_to_deliver": 9,
        "delivered_within": {"1": 20, "2": 61, "4": 97},
        "read_within": {"1": 0, "2": 1, "4": 3},
        "computed_at": "2026-11-22T10:00:05Z",
    },
)
INCIDENT: Final = _example(
    "A number that lost its connection",
    {
        "id": 3,
        "kind": "disconnected",
        "words": "Disconnected for 22 min.",
        "instance": _INSTANCE,
        "opened_at": "2026-11-22T09:20:00Z",
        "last_seen_at": "2026-11-22T09:42:00Z",
        "resolved_at": None,
        "acknowledged_at": None,
        "note": "",
    },
)
_TEXTS: Final = {
    "zaap_id": "A20D7C",
    "reference": "order-1042",
    "label": "Your order is on its way",
}
_LABEL: Final = {"zapi_instance_id": "3C0D1E2F", "message_id": "3EB0A1"} | _TEXTS
LISTED_LABEL: Final = _example(
    "A message that was never confirmed",
    {
        "id": 31,
        "instance": _INSTANCE,
        "message_id": "3EB0A1",
        **_TEXTS,
        "announced_at": "2026-11-22T09:13:50.500000Z",
    },
)
LABEL_DETAIL: Final = _example(
    "A message that was reported", LISTED_LABEL.value | {"announced_at": None, "verdict": None}
)
LABEL_BODY: Final = _example("An order", _TEXTS, is_request=True)
LABEL: Final = _example("An order", _LABEL)
LABELS_BODY: Final = _example(
    "Two orders", [_LABEL, _LABEL | {"message_id": "3EB0A2", "zaap_id": "A20D7D"}], is_request=True
)
LABELLED: Final = _example("Two orders", {"labelled": 2})
LABELS_CSV: Final = OpenApiExample(
    "Two orders in a spreadsheet",
    value="zapi_instance_id,message_id,zaap_id,reference,label\n"
    "3C0D1E2F,3EB0A1,A20D7C,order-1042,\n"
    "3C0D1E2F,3EB0A2,,order-1043,Your order is on its way\n",
    request_only=True,
    media_type="text/csv",
)
