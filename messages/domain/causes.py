"""Why a callback was rejected: a code, and the values for its message.

The message is translated for each reader.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from django.db.models import TextChoices
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from statusboard.redaction import redact_beginning

_MAX_VALUE_LENGTH: Final = 100


class SentenceCode(TextChoices):
    """A code that is stored with values. Each {} of its label is one of the values."""

    @classmethod
    def text(cls, code: str, values: Sequence[str] | None = None) -> str:
        """The sentence in the active language.

        An unknown code, stored by a newer version, is returned unchanged.
        """
        try:
            # Not `code in cls.values`: that translates the labels of all codes.
            label = str(cls(code).label)
        except ValueError:
            label = code
        return label.format(*values) if values else label


class Cause(SentenceCode):
    # The request
    WRONG_CONTENT_TYPE = (
        "wrong content type",
        _("The Content-Type must be application/json, not {}."),
    )
    WRONG_ENCODING = (
        "wrong encoding",
        _("The body must be uncompressed or gzip, not {}."),
    )
    WRONG_LENGTH = "wrong length", _("Content-Length is not a number.")
    TOO_LARGE = "too large", _("The body is too large. The limit is {} bytes, uncompressed.")
    # The body
    BROKEN_GZIP = "broken gzip", _("The gzip data is invalid.")
    NOT_UTF8 = "not utf-8", _("The body is not valid JSON: byte {} is not UTF-8.")
    NOT_JSON = "not json", _("The JSON is invalid at line {}, column {}.")
    NOT_A_NUMBER = "not a number", _("The JSON is invalid: {} is not a valid number.")
    TOO_DEEP = "too deep", _("The JSON is nested more than {} levels deep.")
    LONG_NUMBER = "long number", _("The JSON contains a number that is too long.")
    NOT_AN_OBJECT = "not an object", _("The JSON is not an object.")
    # Its fields
    NO_TYPE = "no type", _("The field type is missing.")
    NO_STATUS = "no status", _("The field status is missing.")
    NO_MESSAGE_ID = "no message id", _("The message id is missing.")
    MESSAGE_ID_NOT_TEXT = "message id not text", _("A message id is not a string.")
    MANY_MESSAGE_IDS = "many message ids", _("The callback has more than {} message ids.")
    LONG_MESSAGE_ID = "long message id", _("A message id is longer than {} characters.")
    NOT_TEXT = "not text", _("{} is not a string.")
    LONG_TEXT = "long text", _("{} is longer than {} characters.")
    # Watched separately: another instance uses this webhook's URL.
    OTHER_INSTANCE = (
        "other instance",
        _("The callback arrived at the webhook of {}, but names the instance {}."),
    )
    HIDDEN_INSTANCE = "hidden instance", _("The callback names another instance.")
    # The callback is kept, and its status is parsed if it contains one. Nobody has to act on it, so
    # it opens no incident.
    UNKNOWN_TYPE = "unknown type", _("Statusboard does not know the type {}.")
    # Errors in Statusboard
    NOT_READ = "not read", _("The callback could not be read. The server’s log has the reason.")
    NOT_APPLIED = (
        "not applied",
        _("The callback could not be applied. The server’s log has the reason."),
    )
    NOT_STORED = (
        "not stored",
        _("The callback could not be stored. The server’s log has the reason."),
    )
    # Problems of the instance, found when spooled callbacks are stored
    NO_INSTANCE = "no instance", _("The instance does not exist.")
    ARCHIVED = "archived", _("The instance is archived.")
    KEY_RETIRED = "key retired", _("The key in its URL is disabled.")
    WRONG_TOKEN = (
        "wrong token",
        _("The z-api-token is wrong, and the instance refuses wrong tokens (Enforce)."),
    )
    # An earlier version stored free text instead of a code.
    OTHER = "other", "{}"


def stored_values(values: Iterable[object]) -> tuple[str, ...] | None:
    """Prepare the values for storage: shorten them, put them on one line and remove tokens.

    None if there are none.
    """
    starts = (redact_beginning(str(value).strip(), 10 * _MAX_VALUE_LENGTH) for value in values)
    return tuple(" ".join(start.split())[:_MAX_VALUE_LENGTH] for start in starts) or None


def plain_cause_text(cause: str, values: Sequence[object] | None) -> str:
    """The sentence in English, for programs and operators."""
    with translation.override(None):
        return Cause.text(cause, stored_values(values or ()))
