"""The kinds of Z-API's webhooks: their members of /me, their calls and their callback types."""

import re
from collections.abc import Iterable
from typing import Any, Final

RECEIVED: Final = "received"
RECEIVED_DELIVERY: Final = "received-delivery"
# The known kinds, as in `PUT /update-webhook-<kind>`, and their members of /me.
_MEMBERS: Final = {
    "message-status": "messageStatusCallbackUrl",
    "delivery": "deliveryCallbackUrl",
    "connected": "connectedCallbackUrl",
    "disconnected": "disconnectedCallbackUrl",
    RECEIVED: "receivedCallbackUrl",
    RECEIVED_DELIVERY: "receivedAndDeliveryCallbackUrl",
    "chat-presence": "presenceChatCallbackUrl",
    "received-status": "receivedStatusCallbackUrl",
    "initial-data": "initialDataCallbackUrl",
}
_KINDS: Final = {member.lower(): kind for kind, member in _MEMBERS.items()}
_WITHOUT_CALL: Final = {"received-status", "initial-data"}
_MEMBER: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_SUFFIX: Final = re.compile(r"(?:callback|webhook|url)+$", re.IGNORECASE)
_CAPITAL: Final = re.compile(r"(?<!^)(?=[A-Z])")


def kind_of(member: str, value: Any) -> str | None:
    """The kind of webhook whose URL this member of /me contains. None for other members.

    The kind of an unknown webhook is the name of the member.
    """
    name = member.lower()
    is_about_a_webhook = "callback" in name or "hook" in name
    is_url = value is None or isinstance(value, str)
    is_named_url = name.endswith("url") or str(value).startswith(("https://", "http://"))
    if not (is_about_a_webhook and is_url and is_named_url and _MEMBER.fullmatch(member)):
        return None
    return _KINDS.get(name, member)


def call_of(kind: str) -> str:
    """The call that sets this webhook's URL. If Z-API documents no call, the name is guessed."""
    stem = kind if kind in _MEMBERS else _CAPITAL.sub("-", _SUFFIX.sub("", kind)).lower()
    return f"update-webhook-{stem}"


def has_call(kind: str) -> bool:
    """Whether Z-API documents a call that sets only this webhook."""
    return kind in _MEMBERS and kind not in _WITHOUT_CALL


def kinds_of_type(callback_type: str, among: Iterable[str]) -> list[str]:
    """The webhooks that receive callbacks of this type, matched by name.

    `deliveryCallbackUrl` receives DeliveryCallback. Inbound messages have two possible webhooks.
    """
    stem = _stem(callback_type)
    stems = {stem, _stem(_MEMBERS[RECEIVED_DELIVERY])} if stem == RECEIVED else {stem}
    return [kind for kind in among if _stem(_MEMBERS.get(kind, kind)) in stems]


def _stem(name: str) -> str:
    return _SUFFIX.sub("", name).lower()
