"""Parses callbacks from bytes into frozen dataclasses. It does not use Django's models.

Only this module checks the structure of callbacks. The fields are those of Z-API's pages "Message
status" (on-whatsapp-message-status-changes), "Delivery" (on-message-send), "Connected" and
"Disconnected". A few more were seen in real traffic.
"""

import codecs
import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from messages.domain import addresses
from messages.domain.causes import Cause, plain_cause_text
from messages.domain.statuses import Status, from_provider
from statusboard.redaction import redact_beginning

from .inbound import InboundReport, read_inbound, without_content
from .times import moment_of

MAX_IDS = 500
# The deepest callback that Z-API documents, an inbound list of choices, has 5 levels.
MAX_DEPTH = 64
MAX_TEXT = 128
MAX_REASON = 300
MAX_CODE = 100
NO_DEVICE = -1

_OLD_GROUP = re.compile(r"\d+-\d+")
_NUMBER = re.compile(r"[1-9][0-9]{7,14}")
_INT32 = 2**31
_GZIP_MAGIC = b"\x1f\x8b"
# The possessive quantifiers prevent backtracking, so that no body takes long.
_TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
# Names a type whose content is never kept, in a body that may not be JSON.
_PRIVATE = re.compile(
    rb'"type"\s*:\s*"\s*(receivedcallback|presencechatcallback|proxycallback)', re.IGNORECASE
)
_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class MalformedCallbackError(ValueError):
    """A body that cannot be parsed. str() returns the complete message in English, for operators.

    `type` is the type of the callback, or '' if it could not be parsed either.
    """

    type = ""

    def __init__(self, cause: Cause, *values: object) -> None:
        super().__init__(cause, *values)
        self.cause = cause
        self.values = values

    def __str__(self) -> str:
        return plain_cause_text(self.cause, self.values)


@dataclass(frozen=True, slots=True)
class StatusReport:
    """One step of one or several messages.

    `momment` is the time as text, as Z-API sent it. `occurred_at` is the parsed time, or None if
    that failed. `message_ids` are sorted and without duplicates. Missing texts are ''. A missing
    device is -1.
    """

    message_ids: tuple[str, ...]
    status: Status
    raw_status: str
    occurred_at: datetime | None
    momment: str
    phone: str
    is_group: bool
    participant: str
    device: int
    reason: str = ""
    zaap_id: str = ""


@dataclass(frozen=True, slots=True)
class ConnectionReport:
    """`number` is the connected number, or '' if Z-API does not report it."""

    connected: bool
    occurred_at: datetime | None
    reason: str
    number: str = ""


Report = StatusReport | ConnectionReport | InboundReport


@dataclass(frozen=True, slots=True)
class ParsedCallback:
    """A parsed callback.

    `report` is None if there is nothing to store. It is also None if the type is unknown and no
    status was found.
    """

    type: str
    instance_id: str
    report: Report | None
    is_known: bool = True


def parse(body: bytes) -> ParsedCallback:
    """Read one callback. Raises MalformedCallbackError if it cannot be parsed.

    A body with private content is never refused, because it would be kept as evidence.
    """
    try:
        data = _load(body)
        kind = _text(data, "type")
    except MalformedCallbackError:
        if found := private_type(body):
            return ParsedCallback(found, "", None)
        raise
    if not kind:
        raise MalformedCallbackError(Cause.NO_TYPE)
    if kind.lower() in _PRIVATE_TYPES:
        inbound = read_inbound(data) if kind.lower() == "receivedcallback" else None
        return ParsedCallback(kind, _instance_id(data), inbound)
    reader = _READERS.get(kind)
    try:
        report = reader(data) if reader else _of_unknown_type(kind, data)
        return ParsedCallback(kind, _text(data, "instanceId"), report, is_known=reader is not None)
    except MalformedCallbackError as error:
        error.type = kind
        raise


def private_type(body: bytes) -> str:
    """The type of a body whose content must not be kept, '' for other bodies.

    Also finds it in a body that is not JSON, or in UTF-16.
    """
    found = _PRIVATE.search(body.replace(b"\0", b""))
    return found[1].decode() if found else ""


def reduced(body: bytes) -> bytes:
    """The body without private content. parse() reads the same facts from it."""
    found = private_type(body)
    if not found:
        return body
    try:
        data = _load(body)
        kind, instance_id = _text(data, "type"), _instance_id(data)
    except MalformedCallbackError:
        return json.dumps({"type": found}).encode()
    if kind.lower() not in _PRIVATE_TYPES:
        return body
    kept = without_content(data) if kind.lower() == "receivedcallback" else {}
    named = {"instanceId": instance_id} if instance_id else {}
    return json.dumps({"type": kind, **named, **kept}).encode()


def _instance_id(data: dict[str, Any]) -> str:
    with suppress(MalformedCallbackError):
        return _text(data, "instanceId")
    return ""


def _load(body: bytes) -> dict[str, Any]:
    if body.startswith(_GZIP_MAGIC):
        # The webhook endpoint passes on gzip bodies that it could not decompress.
        raise MalformedCallbackError(Cause.BROKEN_GZIP)
    try:
        # Decode like json.loads(), but only UTF-8, because RFC 8259 requires it.
        text = body.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogatepass")
        if _is_too_deep(text):
            raise MalformedCallbackError(Cause.TOO_DEEP, MAX_DEPTH)
        data = _JSON.decode(text)
    except MalformedCallbackError:
        raise
    except UnicodeDecodeError as error:
        raise MalformedCallbackError(Cause.NOT_UTF8, error.start + 1) from None
    except json.JSONDecodeError as error:
        raise MalformedCallbackError(Cause.NOT_JSON, error.lineno, error.colno) from None
    except ValueError:
        # Python refuses integers with more than 4,300 digits.
        raise MalformedCallbackError(Cause.LONG_NUMBER) from None
    if not isinstance(data, dict):
        raise MalformedCallbackError(Cause.NOT_AN_OBJECT)
    return data


def _is_too_deep(text: str) -> bool:
    """Whether the text is nested too deeply.

    Checked before parsing, because Python's own nesting limit depends on the depth of the call
    stack.
    """
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return False
    brackets = _TEXT.sub(b"", text.encode("utf-8", "replace")).translate(_BRACKETS, _NO_BRACKETS)
    # Remove the innermost pairs, one level per iteration. This is ten times faster than counting
    # brackets.
    for _ in range(MAX_DEPTH):
        inner, brackets = brackets, brackets.replace(b"[]", b"")
        if inner == brackets:
            break
    # Remaining pairs are nested deeper than the limit. Unclosed brackets also count as levels.
    return b"[]" in brackets or brackets.count(b"[") > MAX_DEPTH


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedCallbackError(Cause.NOT_A_NUMBER, name)


_JSON = json.JSONDecoder(parse_constant=_refuse_constant)


def _message_status(data: dict[str, Any]) -> StatusReport:
    """Z-API "Message status".

    The field is `id` in its table, `ids` in its samples and `messageId` on other pages.
    """
    raw_status = _text(data, "status")
    if not raw_status:
        raise MalformedCallbackError(Cause.NO_STATUS)
    phone, participant = _text(data, "phone"), _text(data, "participant")
    momment, occurred_at = _moment(data)
    return StatusReport(
        message_ids=_ids(data.get("ids") or data.get("id") or data.get("messageId")),
        status=from_provider(raw_status),
        raw_status=raw_status,
        occurred_at=occurred_at,
        momment=momment,
        phone=addresses.without_device(phone),
        is_group=_is_of_many(data, phone),
        participant=addresses.without_device(participant),
        device=(
            _device(data, "participantDevice", participant)
            if participant
            else _device(data, "phoneDevice", phone)
        ),
        reason=_reason(data),
    )


def _delivery(data: dict[str, Any]) -> StatusReport:
    """Z-API "Delivery": Z-API passed the message to WhatsApp or, with an `error`, refused it.

    This does not mean that the message was delivered.
    """
    phone = _text(data, "phone")
    reason = _reason(data)
    momment, occurred_at = _moment(data)
    return StatusReport(
        message_ids=_ids(data.get("messageId") or data.get("zaapId")),
        status=Status.FAILED if reason else Status.DISPATCHED,
        raw_status="",
        occurred_at=occurred_at,
        momment=momment,
        phone=addresses.without_device(phone),
        is_group=_is_of_many(data, phone),
        participant="",
        device=NO_DEVICE,
        reason=reason,
        zaap_id=_text(data, "zaapId"),
    )


def _connection(data: dict[str, Any]) -> ConnectionReport:
    """Z-API "Connected" (milliseconds) and "Disconnected" (seconds).

    The field `connected` or `disconnected` may be false, which reverses the meaning of the type.
    """
    is_of_connecting = data.get("type") == "ConnectedCallback"
    said = data.get("connected" if is_of_connecting else "disconnected")
    is_denied = said is False or str(said).strip().lower() == "false"
    connected = is_of_connecting != is_denied
    reason = "" if connected else _reason(data)
    return ConnectionReport(connected, _moment(data)[1], reason, _own_number(data))


def _own_number(data: dict[str, Any]) -> str:
    """The connected number, or ''.

    It is optional, so an invalid value is ignored instead of rejecting the callback.
    """
    phone = data.get("phone")
    number = addresses.without_device(str(phone)) if _is_scalar(phone) else ""
    return number if _NUMBER.fullmatch(number) else ""


_Reader = Callable[[dict[str, Any]], Report | None]
_READERS: dict[str, _Reader] = {
    "MessageStatusCallback": _message_status,
    "DeliveryCallback": _delivery,
    "ConnectedCallback": _connection,
    "DisconnectedCallback": _connection,
}
_STATUS_READERS = {"messagestatuscallback": _message_status, "deliverycallback": _delivery}
# Documented types without a message status. Only of these the body is not kept, in whatever case
# the type is written: they hold what people wrote, their presence, and a proxy's password.
_PRIVATE_TYPES = {"receivedcallback", "presencechatcallback", "proxycallback"}
# Callbacks of these types contain no message status.
TYPES_WITHOUT_STATUS = (
    *("ConnectedCallback", "DisconnectedCallback"),
    *("ReceivedCallback", "PresenceChatCallback", "ProxyCallback"),
)


def _of_unknown_type(kind: str, data: dict[str, Any]) -> Report | None:
    """Parse a status from an unknown type. Return None if there is none.

    The type may differ from a known one in case, or the body may look like a status.
    """
    reader = _STATUS_READERS.get(kind.lower())
    if reader is None and _looks_like_status(data):
        reader = _message_status
    with suppress(MalformedCallbackError):
        return reader(data) if reader else None
    return None


def _looks_like_status(data: dict[str, Any]) -> bool:
    """A body with `fromMe` is a message, whose `status` is something else.

    A single `id` can identify anything, so the status must then be a known one.
    """
    if "fromMe" in data:
        return False
    status = data.get("status")
    return isinstance(status, str) and bool(
        data.get("ids") or from_provider(status) is not Status.UNKNOWN
    )


def _is_of_many(data: dict[str, Any], phone: str) -> bool:
    """Whether the message went to a group, a broadcast list or a channel."""
    is_group = data.get("isGroup") is True or bool(_OLD_GROUP.fullmatch(phone))
    return is_group or addresses.kind_of(phone).has_many_recipients


def _ids(value: Any) -> tuple[str, ...]:
    """Parse all ids. If one is invalid, the whole callback is quarantined."""
    values = value if isinstance(value, list) else [value]
    given = [item for item in values if item is not None]
    if not all(map(_is_scalar, given)):
        raise MalformedCallbackError(Cause.MESSAGE_ID_NOT_TEXT)
    ids = {_clean(item) for item in given} - {""}
    if not ids:
        raise MalformedCallbackError(Cause.NO_MESSAGE_ID)
    if len(ids) > MAX_IDS:
        raise MalformedCallbackError(Cause.MANY_MESSAGE_IDS, MAX_IDS)
    if any(len(message_id) > MAX_TEXT for message_id in ids):
        raise MalformedCallbackError(Cause.LONG_MESSAGE_ID, MAX_TEXT)
    return tuple(sorted(ids))


def _text(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    if value is None:
        return ""
    if not _is_scalar(value):
        raise MalformedCallbackError(Cause.NOT_TEXT, name)
    text = _clean(value)
    if len(text) > MAX_TEXT:
        raise MalformedCallbackError(Cause.LONG_TEXT, name, MAX_TEXT)
    return text


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _clean(value: str | int) -> str:
    """Clean a text for storage.

    Databases refuse lone surrogates, and PostgreSQL also refuses NUL.
    """
    text = str(value).strip()
    if text.isascii() and "\0" not in text:
        return text
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def _reason(data: dict[str, Any]) -> str:
    """The error as Z-API sent it, followed by its code: "Phone number does not exist (SHADOW_BAN)".

    One of Z-API's errors echoes the Client-Token, which must not get into a timeline.
    """
    error, code = data.get("error"), data.get("errorCode")
    if not (error or code):
        return ""
    words = _clean(error if _is_scalar(error) else json.dumps(error)) if error else ""
    mark = _clean(code if _is_scalar(code) else json.dumps(code)) if code else ""
    if not (words and mark):
        return redact_beginning(words or mark, MAX_REASON)
    # The code says more than the end of a long text.
    mark = redact_beginning(mark, MAX_CODE)
    return f"{redact_beginning(words, MAX_REASON - len(mark) - 3)} ({mark})"


def _device(data: dict[str, Any], name: str, address: str) -> int:
    """The device from the field `name`, or else from the address. NO_DEVICE if there is none."""
    value = data.get(name)
    try:
        device = int(addresses.device_in(address) if value is None else str(value))
    except ValueError:
        return NO_DEVICE
    return device if 0 <= device < _INT32 else NO_DEVICE


def _moment(data: dict[str, Any]) -> tuple[str, datetime | None]:
    """The time as sent, and as a UTC datetime or None.

    Z-API's field is `momment` (sic), sometimes `moment`.
    """
    value = data["momment"] if data.get("momment") is not None else data.get("moment")
    if value is None:
        return "", None
    sent = _clean(value if isinstance(value, str) else json.dumps(value))[:MAX_TEXT]
    return sent, moment_of(sent)
