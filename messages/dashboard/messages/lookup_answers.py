"""What Z-API answered about a number, kept in the address of the page that tells it.

Sealed, so that nobody can make the board say it, and for a while only: it is asked again then.
"""

from typing import Final

from django.core import signing
from django.utils.translation import gettext as _

from messages.domain import addresses
from messages.identities import PhoneRecord

PARAMETER: Final = "looked_up"
MAX_AGE: Final = 3600
_SALT: Final = "statusboard.looked_up"


def sealed(asked: str, found: PhoneRecord) -> str:
    told = [asked, found.is_on_whatsapp, found.number, found.lid]
    return signing.dumps(told, salt=_SALT, compress=True)


def answer(text: str, asked: str) -> str:
    """In words; '' where it is none to what was asked."""
    try:
        of, *told = signing.loads(text, salt=_SALT, max_age=MAX_AGE)
    except signing.BadSignature:
        return ""
    return _words(PhoneRecord(*told)) if of == asked else ""


def _words(found: PhoneRecord) -> str:
    number = addresses.international(found.number)
    if not found.is_on_whatsapp:
        return _("%(number)s is not on WhatsApp.") % {"number": number}
    if found.lid:
        words = _("On WhatsApp this number is %(number)s (LID %(lid)s). We searched both.")
        return words % {"number": number, "lid": found.lid}
    return _("On WhatsApp this number is %(number)s. Z-API did not report its LID.") % {
        "number": number
    }
