"""Translates the reasons that Z-API gives for a failed message, where they are known."""

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# From Z-API's page "Delivery" and from real traffic. Compared without case and full stop.
_KNOWN: Final[dict[str, Promise]] = {
    "phone number does not exist": _("Phone number does not exist"),
    "message could not be sent": _("Message could not be sent"),
    "instance is disconnected": _("Instance is disconnected"),
    "device has been disconnected": _("Device has been disconnected"),
}


def translated_reasons() -> dict[str, str]:
    """The known reasons, translated into the active language.

    Pass them to `translate_reason` if the language changes later.
    """
    return {reason: str(words) for reason, words in _KNOWN.items()}


def translate_reason(reason: str, known: Mapping[str, str | Promise] = _KNOWN) -> str:
    """The translation of a reason, or the reason itself if it is not known."""
    # A code may follow: "Message could not be sent (SHADOW_BAN)".
    text, opening, code = reason.rpartition(" (")
    if not opening or code.find(")") != len(code) - 1 or "(" in code:
        text, opening, code = reason, "", ""
    translation = known.get(text.strip().rstrip(".").lower())
    return f"{translation}{opening}{code}" if translation else reason
