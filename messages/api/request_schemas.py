"""JSON Schemas of the request bodies of labels, matching messages.labels."""

from typing import Any, Final

from messages.labels import MAX_AT_ONCE, MAX_ID_LENGTH, MAX_LABEL_LENGTH, MAX_REFERENCE_LENGTH

_SHOWN: Final = r"[^\u0000-\u001f\u007f]"
_NOT_BLANK: Final = {"pattern": rf"^{_SHOWN}*[^\s\u0000-\u001f\u007f]{_SHOWN}*$"}


def _text(longest: int) -> dict[str, Any]:
    return {"type": "string", "maxLength": longest, "pattern": f"^{_SHOWN}*$"}


def _given(name: str) -> dict[str, Any]:
    return {"required": [name], "properties": {name: _NOT_BLANK}}


_ZAAP_ID: Final = {
    "description": "Z-API's second id of the message. A failure may be reported under this id only."
}
_TEXTS: Final = {
    "zaap_id": _text(MAX_ID_LENGTH) | _ZAAP_ID,
    "reference": _text(MAX_REFERENCE_LENGTH),
    "label": _text(MAX_LABEL_LENGTH),
}
_IDS: Final = {
    name: _text(MAX_ID_LENGTH) | _NOT_BLANK for name in ("zapi_instance_id", "message_id")
}
ONE: Final = {
    "type": "object",
    "properties": _TEXTS,
    "anyOf": [_given("reference"), _given("label")],
    "additionalProperties": False,
}
MANY: Final = {
    "type": "array",
    "minItems": 1,
    "maxItems": MAX_AT_ONCE,
    "items": ONE | {"properties": _IDS | _TEXTS, "required": list(_IDS)},
}
CSV: Final = {
    "type": "string",
    "description": "The first row has the column names: zapi_instance_id, message_id, "
    "zaap_id, reference, label. Separate columns with commas or semicolons.",
}
