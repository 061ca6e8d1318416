"""Why a message failed: the texts of Z-API, each with a code, whose problem it is, and what to do.

The texts are from Z-API's page "Delivery", and from real traffic.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# Codes of failures that are not in the catalogue.
UNKNOWN: Final = "unknown"
NOT_GIVEN: Final = "not_given"

# The maximum length of Z-API's text when it is stored. All known texts are shorter.
_MAX_LENGTH: Final = 300


class FailureCategory(TextChoices):
    RESTRICTED = "restricted_by_whatsapp", _("Restricted by WhatsApp")
    PERMISSION = "permission", _("No permission")
    TERMS = "terms_not_accepted", _("Terms not accepted")
    NUMBER = "number_does_not_exist", _("Number not on WhatsApp")
    MEDIA_URL = "media_url", _("File could not be loaded")
    CONTENT = "content_or_parameters", _("Wrong content")
    EXPIRED = "expired", _("Message expired")
    CHANNELS = "unsupported_in_channels", _("Not possible in channels")
    CONNECTION = "connection", _("Number not connected")
    ZAPI = "zapi_internal", _("Fault at Z-API")


class FailureOwner(TextChoices):
    """Whose problem it is."""

    RECIPIENT = "recipient", _("The recipient")
    OUR_NUMBER = "our_number", _("Our WhatsApp number")
    OUR_SOFTWARE = "our_software", _("Our software")
    PROVIDER = "zapi_or_whatsapp", _("Z-API or WhatsApp")


class Retry(TextChoices):
    """Whether to send the message again."""

    NO = "no", _("Do not send it again")
    AFTER_MENDING = "after_mending", _("Fix the cause, then send it again")
    LATER = "later", _("Send it again: the cause was temporary")
    AFTER_RESTRICTION = "wait_for_restriction_end", _("Wait until the restriction ends")


@dataclass(frozen=True, slots=True)
class Failure:
    """A known reason. `text` is one sentence in the reader's language.

    `alike`: the codes, its own among them, with this text and the same advice.
    """

    code: str
    category: FailureCategory
    owner: FailureOwner
    retry: Retry
    text: Promise
    alike: tuple[str, ...]


def find_failure(reason: str) -> Failure | None:
    """Find the known failure for a stored reason.

    The reason is Z-API's text, with or without a code in parentheses. The code wins over the text.
    Case, white space and punctuation do not matter.
    """
    # Cut first, because Unicode normalization is quadratic.
    text = unicodedata.normalize("NFKC", reason[:_MAX_LENGTH]).casefold()
    if _SHADOW_BAN.search(text):
        return FAILURES["shadow_ban"]
    for candidate in (*_IN_PARENTHESES.findall(text), _IN_PARENTHESES.sub("", text)):
        key = _key(candidate)
        if code := _CODES_BY_KEY.get(key) or _code_of_template(key):
            return FAILURES[code]
    return None


def failure_text(reason: str) -> str:
    """The reason in the active language; Z-API's own text if it is not in the catalogue."""
    found = find_failure(reason)
    return str(found.text) if found else reason or str(_("Z-API gave no reason."))


def failure_code(reason: str) -> str:
    """The code to store for the reason of a failed message."""
    found = find_failure(reason)
    return found.code if found else UNKNOWN if reason else NOT_GIVEN


def codes_alike(code: str) -> tuple[str, ...]:
    """The codes that pages show as one reason: each would say the same, and advise the same."""
    return FAILURES[code].alike if code in FAILURES else (code,)


def count_alike(counts: Mapping[str, int]) -> Counter[tuple[str, ...]]:
    """Add up the counts of codes that pages show as one reason."""
    found: Counter[tuple[str, ...]] = Counter()
    for code, number in counts.items():
        found[codes_alike(code)] += number
    return found


def group_key(reason: str) -> str:
    """The same for texts that differ only in numbers, case and punctuation."""
    text = unicodedata.normalize("NFKC", reason[:_MAX_LENGTH])
    return _NUMBERS.sub("0", _key(text))


def _code_of_template(key: str) -> str:
    for (before, after), code in _TEMPLATES.items():
        if key.startswith(before) and key.endswith(after):
            return code
    return ""


def _key(text: str) -> str:
    """The letters and digits of a text."""
    return _NOT_IN_KEYS.sub("", text.casefold())


_SHADOW_BAN: Final = re.compile(r"\bshadow[_-]ban\b")
_IN_PARENTHESES: Final = re.compile(r"\(([^()]*+)\)")
_NUMBERS: Final = re.compile(r"\d++")
_NOT_IN_KEYS: Final = re.compile(r"[\W_]++")

_Group = tuple[FailureCategory, FailureOwner, Retry]
# What it means, then the code and Z-API's text of each reason that means this. {} marks a part that
# varies.
_Row = tuple[Promise, *tuple[tuple[str, str], ...]]
_GROUPS: Final[dict[_Group, tuple[_Row, ...]]] = {
    (FailureCategory.RESTRICTED, FailureOwner.OUR_NUMBER, Retry.AFTER_RESTRICTION): (
        (
            _("WhatsApp rejected the message, probably because it is limiting our number."),
            ("rejected_by_whatsapp", "Whatsapp rejected sending this message"),
            ("shadow_ban", "SHADOW_BAN"),
            ("likely_shadow_ban", "The message was not sent due to a likely shadow ban"),
            ("not_allowed_by_whatsapp", "Whatsapp did not allow sending this message"),
        ),
    ),
    (FailureCategory.PERMISSION, FailureOwner.OUR_NUMBER, Retry.AFTER_MENDING): (
        (
            _("Our number is not allowed to write in this chat, so nothing was sent."),
            ("no_permission_in_chat", "Did not have permission to send this message."),
            ("no_permission_of_account", "Does not have permission to send the message"),
        ),
        (
            _("Our number is not allowed to write in this group; a group admin has to allow it."),
            ("no_permission_in_group", "You can't message this group as you don't have permission"),
        ),
    ),
    (FailureCategory.TERMS, FailureOwner.OUR_NUMBER, Retry.AFTER_MENDING): (
        (
            _("Z-API blocks messages with buttons until someone accepts their terms in its panel."),
            (
                "button_terms_not_accepted",
                "You must accept buttons message terms in panel to send this message.",
            ),
        ),
    ),
    (FailureCategory.NUMBER, FailureOwner.RECIPIENT, Retry.NO): (
        (
            _("This number was not on WhatsApp."),
            ("phone_number_does_not_exist", "Phone number does not exist"),
        ),
    ),
    (FailureCategory.NUMBER, FailureOwner.OUR_SOFTWARE, Retry.AFTER_MENDING): (
        (
            _("The number is not valid; use country code, area code and number, only digits."),
            (
                "invalid_phone_number",
                "Message has not been sent because it got invalid phone number",
            ),
        ),
    ),
    (FailureCategory.MEDIA_URL, FailureOwner.OUR_SOFTWARE, Retry.AFTER_MENDING): (
        (
            _("Z-API could not open the link to the picture, video, audio or document."),
            ("invalid_media_url", "Message not send caused by invalid media url"),
        ),
        (
            _("There is no file at the link that our software gave, so nothing was sent."),
            ("media_not_found", "Got a 404 error while trying to send message"),
        ),
        (
            _("The link leads to a web page instead of the file itself."),
            (
                "media_is_web_page",
                "The url informed is not a valid url in the media format, "
                "apparently it can be an html",
            ),
        ),
        (
            _("This file cannot be a sticker; a sticker has to be an image."),
            ("unsupported_sticker_format", "Unsupported sticker format: {content-type}"),
        ),
    ),
    (FailureCategory.CONTENT, FailureOwner.OUR_SOFTWARE, Retry.AFTER_MENDING): (
        (
            _("This type of message only works in groups, but our software sent it to one person."),
            ("only_in_groups", "This type of message can only be sent in groups"),
        ),
        (
            _("The catalog has no product with the id that our software used."),
            (
                "product_not_found",
                "Product message has not been sent because provided product id was not found.",
            ),
        ),
        (
            _("There is no such catalog; it has to be created in WhatsApp Business first."),
            (
                "catalog_not_found",
                "Catalog message has not been sent because the catalog was not found.",
            ),
        ),
        (
            _("Our software named the catalog’s owner by a LID, but the phone number is required."),
            (
                "catalog_phone_is_lid",
                "Product message has not been sent because provided catalog phone "
                "must not be a lid.",
            ),
        ),
        (
            _("The order’s currency does not exist; use a code such as BRL or USD."),
            (
                "invalid_currency",
                "Order has not been sent because it received invalid currency code",
            ),
        ),
        (
            _("The change to the order is incomplete or contains wrong values."),
            (
                "invalid_order_update",
                "Update order has not been sent because it received invalid request data.",
            ),
        ),
        (
            _("Our software did not say which poll of the channel the vote is for."),
            (
                "channel_poll_missing",
                "Newsletter poll vote was not sent because of missing identifier.",
            ),
        ),
        (
            _("Events only exist in groups, but our software named a single person."),
            (
                "event_not_in_group",
                "Event edit message was not sent because the phone is not from a group.",
            ),
        ),
        (
            _("The date or time of the event is not valid."),
            (
                "invalid_event_time",
                "Event edit message was not sent because receive invalid date time.",
            ),
        ),
        (
            _("The file could not be converted for WhatsApp; send it in another format."),
            (
                "media_not_converted",
                "Message has not been sent because an error occurred in the conversion",
            ),
        ),
        (
            _("Something in our software’s request is wrong or missing."),
            ("invalid_request", "Message has not been sent because it got invalid request params."),
        ),
    ),
    (FailureCategory.EXPIRED, FailureOwner.OUR_SOFTWARE, Retry.NO): (
        (
            _("Too late to edit: the message is older than 7 days."),
            ("edit_too_late", "Message has not been edited because it has been more than 7 days"),
        ),
        (
            _("Too late to comment: the message is older than 7 days."),
            (
                "comment_too_late",
                "Comment message has not been sent because it has more than 7 days",
            ),
        ),
        (
            _("The status that this message replies to no longer exists; a status lasts 24 hours."),
            (
                "status_not_found",
                "Status reply has not been sent because the status message was not found",
            ),
        ),
        (
            _("The message to forward no longer exists, or it belongs to another chat."),
            ("forward_not_found", "Message does not forward because it was not found"),
        ),
    ),
    (FailureCategory.CHANNELS, FailureOwner.OUR_SOFTWARE, Retry.NO): (
        (
            _("Chat settings cannot be changed in a channel."),
            ("chat_settings_not_in_channels", "ModifyChat not available to channels."),
        ),
        (
            _("A channel cannot be called."),
            ("call_not_in_channels", "Call not available to channels."),
            ("audio_call_not_in_channels", "Call with audio not available to channels."),
        ),
        (
            _("Channels do not accept documents."),
            ("document_not_in_channels", "Document not available to channels."),
        ),
        (
            _("Channels do not accept replies to buttons."),
            ("button_response_not_in_channels", "Button Response not available to channels."),
        ),
        (
            _("Channels do not accept round video notes."),
            ("video_note_not_in_channels", "Ptv not available to channels."),
        ),
        (
            _("Channels do not accept locations."),
            ("location_not_in_channels", "Location message not available to channels."),
        ),
        (
            _("Channels do not accept contact cards."),
            ("contacts_not_in_channels", "Contacts not available to channels."),
        ),
        (
            _("Channels do not accept messages with buttons."),
            ("buttons_not_in_channels", "Buttons not available to channels."),
            ("action_buttons_not_in_channels", "Buttons Actions not available to channels."),
            ("link_buttons_not_in_channels", "Buttons Link not available to channels."),
        ),
        (
            _("Channels do not accept lists of options."),
            ("option_list_not_in_channels", "Options List not available to channels."),
        ),
        (
            _("Channels do not accept payment requests."),
            ("payment_not_in_channels", "Payment not available to channels."),
        ),
        (
            _("Disappearing messages cannot be turned on in a channel."),
            ("expiration_not_in_channels", "Chat Expiration not available to channels."),
        ),
        (
            _("Messages cannot be pinned in a channel."),
            ("pin_not_in_channels", "SendPinChatMessage not available to channels."),
        ),
        (
            _("Channels do not accept Pix buttons."),
            ("pix_button_not_in_channels", "Pix button not available to channels."),
        ),
        (
            _("Channels do not accept this type of message."),
            ("not_in_channels", "{type} not available to channels."),
        ),
    ),
    (FailureCategory.CONNECTION, FailureOwner.PROVIDER, Retry.LATER): (
        (
            _("WhatsApp did not confirm in time; the message may have arrived."),
            ("send_timeout", "Timeout on send message"),
        ),
        (
            _("The connection to WhatsApp broke while the message was being sent."),
            ("send_error", "Error on send message"),
        ),
    ),
    (FailureCategory.CONNECTION, FailureOwner.OUR_NUMBER, Retry.AFTER_MENDING): (
        (
            _("Our number was not connected to WhatsApp."),
            ("instance_disconnected", "Instance is disconnected"),
            ("device_disconnected", "Device has been disconnected"),
        ),
    ),
    (FailureCategory.ZAPI, FailureOwner.PROVIDER, Retry.LATER): (
        (
            _("Z-API had an error and did not put the message in its queue."),
            ("queue_error", "It was not possible to send message to queue due to request error."),
        ),
        (
            _("The message was not sent, and Z-API gave no further reason."),
            ("not_sent", "Message could not be sent"),
        ),
    ),
}

FAILURES: Final = {
    code: Failure(code, *group, text, alike=tuple(one for one, _reason in reasons))
    for group, rows in _GROUPS.items()
    for text, *reasons in rows
    for code, _reason in reasons
}
# Z-API's texts.
REASONS: Final = {
    code: reason
    for rows in _GROUPS.values()
    for _text, *reasons in rows
    for code, reason in reasons
}
_CODES_BY_KEY: Final = {_key(reason): code for code, reason in REASONS.items()}
# What is before and after a placeholder.
_TEMPLATES: Final = {
    (_key(reason.partition("{")[0]), _key(reason.partition("}")[2])): code
    for code, reason in REASONS.items()
    if "{" in reason
}
# All values of Message.failure_code except "".
CODES: Final = (*FAILURES, UNKNOWN, NOT_GIVEN)
