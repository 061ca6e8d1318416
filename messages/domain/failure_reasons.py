"""Why a message failed, in the reader's language where Z-API's words are known."""

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# From Z-API's page "Delivery" and from what was seen; compared without case and full stop.
_KNOWN: Final[dict[str, Promise]] = {
    "phone number does not exist": _("Phone number does not exist"),
    "message could not be sent": _("Message could not be sent"),
    "instance is disconnected": _("Instance is disconnected"),
    "device has been disconnected": _("Device has been disconnected"),
}


def known_words() -> dict[str, str]:
    """What in_words() knows, in the language of the moment: for words that are needed later."""
    return {reason: str(words) for reason, words in _KNOWN.items()}


def in_words(reason: str, known: Mapping[str, str | Promise] = _KNOWN) -> str:
    """`reason` as it came, where nothing better is known."""
    # A code may stand behind: "Message could not be sent (SHADOW_BAN)".
    text, opening, code = reason.rpartition(" (")
    if not opening or code.find(")") != len(code) - 1 or "(" in code:
        text, opening, code = reason, "", ""
    words = known.get(text.strip().rstrip(".").lower())
    return f"{words}{opening}{code}" if words else reason
