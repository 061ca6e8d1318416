"""Z-API's webhooks: which member of /me shows each URL, which call sets it, who is called. Pure."""

import re
from collections.abc import Iterable
from typing import Any, Final

RECEIVED: Final = "received"
RECEIVED_DELIVERY: Final = "received-delivery"
# The kinds known here, as in `PUT /update-webhook-<kind>`, with their members of /me.
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
    """Give the kind of webhook whose URL this member of /me shows, None for any other member.

    A webhook that is not known here has the member's name as its kind.
    """
    name = member.lower()
    is_about_a_hook = "callback" in name or "hook" in name
    is_url = value is None or isinstance(value, str)
    is_named_url = name.endswith("url") or str(value).startswith(("https://", "http://"))
    if not (is_about_a_hook and is_url and is_named_url and _MEMBER.fullmatch(member)):
        return None
    return _KINDS.get(name, member)


def call_of(kind: str) -> str:
    """Name the call that sets this webhook's URL; for those without a published one, a guess."""
    stem = kind if kind in _MEMBERS else _CAPITAL.sub("-", _SUFFIX.sub("", kind)).lower()
    return f"update-webhook-{stem}"


def has_call(kind: str) -> bool:
    """Whether Z-API publishes a call that sets this webhook by itself."""
    return kind in _MEMBERS and kind not in _WITHOUT_CALL


def kinds_of_type(callback_type: str, among: Iterable[str]) -> list[str]:
    """Give the webhooks that bring callbacks of this type: DeliveryCallback, deliveryCallbackUrl.

    Inbound messages may come by either of two.
    """
    stem = _stem(callback_type)
    stems = {stem, _stem(_MEMBERS[RECEIVED_DELIVERY])} if stem == RECEIVED else {stem}
    return [kind for kind in among if _stem(_MEMBERS.get(kind, kind)) in stems]


def _stem(name: str) -> str:
    return _SUFFIX.sub("", name).lower()
