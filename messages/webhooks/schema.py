"""The OpenAPI schema of the webhook. `make openapi` writes it to docs/webhook.openapi.yaml.

Only that command imports this module, so the webhook server does not load it.
"""

from typing import Any, Final

from drf_spectacular.extensions import OpenApiViewExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from messages.zapi.payloads import MAX_IDS, MAX_TEXT

JSON: Final = "application/json"
# For `manage.py spectacular --custom-settings`.
SETTINGS: Final = {
    "TITLE": "Statusboard's webhook",
    "DESCRIPTION": "Receives message status callbacks from Z-API.",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "",
    "SERVERS": [{"url": "https://board.example.com"}],
    "TAGS": [],
}

_TEXT: Final = {"type": "string", "maxLength": MAX_TEXT}
_ID: Final = {**_TEXT, "minLength": 1}
_MOMENT: Final = {
    "description": "Unix time in milliseconds or seconds. If invalid, the arrival time is used.",
    "anyOf": [{"type": "integer"}, {"type": "string"}],
}
_COMMON: Final = {
    "instanceId": {**_TEXT, "description": "Must match the instance that the key belongs to."},
    "momment": _MOMENT,
    "phone": {**_TEXT, "description": "A phone number, LID (…@lid), group, list or channel."},
}


def _callback(kind: str, required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {
        "title": kind,
        "type": "object",
        "required": ["type", *required],
        "properties": {"type": {"type": "string", "enum": [kind]}, **_COMMON, **properties},
    }


_CALLBACKS: Final = [
    _callback(
        "MessageStatusCallback",
        ("status", "ids"),
        status={
            **_ID,
            "description": "SENT, RECEIVED, READ, PLAYED or READ_BY_ME. Others are kept unchanged.",
        },
        ids={"type": "array", "items": _ID, "minItems": 1, "maxItems": MAX_IDS},
        phoneDevice={"type": "integer"},
        participant=_TEXT,
        participantDevice={"type": "integer"},
        isGroup={"type": "boolean"},
    ),
    _callback(
        "DeliveryCallback",
        ("messageId",),
        messageId=_ID,
        zaapId=_TEXT,
        error={"type": "string", "description": "The reason why Z-API refused the message."},
        errorCode={"type": "string"},
    ),
    _callback("ConnectedCallback", connected={"type": "boolean"}),
    _callback("DisconnectedCallback", disconnected={"type": "boolean"}, error={"type": "string"}),
    {
        "title": "Any other type",
        "description": (
            "Inbound messages, presence and proxy failures are answered with 200 and ignored. "
            "Unknown types are stored. If they have a status and ids, they are read as a status "
            "report."
        ),
        "type": "object",
        "required": ["type"],
        "properties": {"type": _ID},
    },
]
_INSTANCE: Final = "3C0D9B1E6F5A4D7C8B2A1F0E9D8C7B6A"
_EXAMPLES: Final = {
    "Read": {
        "instanceId": _INSTANCE,
        "status": "READ",
        "ids": ["3EB0C767D097E2E3A2F1"],
        "momment": 1632234645000,
        "phone": "5544999999999",
        "phoneDevice": 0,
        "type": "MessageStatusCallback",
        "isGroup": False,
    },
    "Played in a group": {
        "instanceId": _INSTANCE,
        "status": "PLAYED",
        "ids": ["A5B1D2C3E4F5"],
        "momment": 1757171855000,
        "participant": "5561999999999",
        "participantDevice": 0,
        "phone": "120363019502650977-group",
        "type": "MessageStatusCallback",
        "isGroup": True,
    },
    "Dispatched by Z-API": {
        "phone": "5544999999999",
        "messageId": "A20DA9C0183A2D35A260F53F5D2B9244",
        "zaapId": "A20DA9C0183A2D35A260F53F5D2B9244",
        "instanceId": _INSTANCE,
        "momment": 1777494009341,
        "type": "DeliveryCallback",
    },
    "Refused by Z-API": {
        "phone": "5544999999999",
        "messageId": "A20DA9C0183A2D35A260F53F5D2B9245",
        "instanceId": _INSTANCE,
        "momment": 1777494009341,
        "type": "DeliveryCallback",
        "error": "Phone number does not exist",
    },
    "Connected": {
        "type": "ConnectedCallback",
        "connected": True,
        "momment": 1757333824580,
        "instanceId": _INSTANCE,
        "phone": "5544999999999",
    },
    "Disconnected": {
        "momment": 1580163342,
        "error": "Device has been disconnected",
        "disconnected": True,
        "type": "DisconnectedCallback",
        "instanceId": _INSTANCE,
    },
    "An inbound message": {"type": "ReceivedCallback", "instanceId": _INSTANCE, "messageId": "A2"},
}
_STORED: Final = {
    "type": "object",
    "required": ["outcome"],
    "properties": {
        "outcome": {
            "type": "string",
            "enum": ["applied", "repeated", "ignored", "quarantined", "spooled"],
        }
    },
}
_ANSWERS: Final = {
    200: "Stored on disk. Do not send it again.",
    400: "The callback cannot be parsed. It is kept in quarantine; sending it again does not help.",
    404: "The key is unknown, wrong or disabled, or the caller's network is not allowed.",
    405: "Only POST is allowed.",
    413: "The body is too large. Only the fact that it arrived is stored.",
    415: "Not application/json, plain or gzipped. Only the fact that it arrived is stored.",
    429: "Too many requests with a wrong key from this IP.",
    503: "The callback could not be stored. Send it again.",
}
_WAIT: Final = OpenApiParameter(
    "Retry-After",
    int,
    OpenApiParameter.HEADER,
    description="Seconds to wait.",
    response=[429, 503],
)


def _text_member(member: str) -> dict[str, Any]:
    return {"type": "object", "required": [member], "properties": {member: {"type": "string"}}}


class WebhookSchema(AutoSchema):
    def get_operation_id(self) -> str:
        return "report"

    def get_summary(self) -> str:
        return "Report a message status"

    def get_description(self) -> str:  # type: ignore[override]  # the parent has the same type
        return (
            "One callback of any type. Callbacks may arrive late, twice and in any order. The "
            "body may be gzipped."
        )

    def get_tags(self) -> list[str]:
        return []

    def get_auth(self) -> list[Any]:
        """None. The key is in the path."""
        return []

    def get_override_parameters(self) -> list[Any]:
        return [
            OpenApiParameter(
                "key",
                OpenApiTypes.STR,
                OpenApiParameter.PATH,
                description="Signed key that identifies the instance.",
            ),
            OpenApiParameter(
                "z-api-token",
                OpenApiTypes.STR,
                OpenApiParameter.HEADER,
                description="The instance's token: observed, enforced or ignored.",
            ),
            _WAIT,
        ]

    def get_request_serializer(self) -> Any:
        return {JSON: {"anyOf": _CALLBACKS}}

    def _get_request_body(self, direction: Any = "request") -> dict[str, Any]:
        body: dict[str, Any] = super()._get_request_body(direction)  # type: ignore[no-untyped-call]
        return body | {"required": True}

    def get_response_serializers(self) -> Any:
        bodies = {200: _STORED, 405: _text_member("detail")}
        return {
            (status, JSON): OpenApiResponse(bodies.get(status, _text_member("error")), description)
            for status, description in _ANSWERS.items()
        }

    def get_examples(self) -> list[OpenApiExample]:
        return [OpenApiExample(name, value, request_only=True) for name, value in _EXAMPLES.items()]


class WebhookExtension(OpenApiViewExtension):  # type: ignore[no-untyped-call]  # its registry
    target_class = "messages.webhooks.views.ZapiWebhook"

    def view_replacement(self) -> Any:
        class Described(self.target_class):  # type: ignore[misc, name-defined]  # given at run time
            schema = WebhookSchema()

        return Described
