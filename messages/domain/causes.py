"""Why a callback was rejected: a code and the values of its sentence, which is for each reader."""

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
        """The sentence in the active language. A code from a newer version stays a code."""
        label = str(cls(code).label) if code in cls.values else code
        return label.format(*values) if values else label


class Cause(SentenceCode):
    # The request
    WRONG_CONTENT_TYPE = (
        "wrong content type",
        _("A callback has to come as Content-Type: application/json, not as {}."),
    )
    WRONG_ENCODING = (
        "wrong encoding",
        _("A callback has to come as it is or as gzip, not as {}."),
    )
    WRONG_LENGTH = "wrong length", _("Content-Length is not a number.")
    TOO_LARGE = "too large", _("A callback may have {} bytes at most, unpacked.")
    # The body
    BROKEN_GZIP = "broken gzip", _("The gzip is broken.")
    NOT_UTF8 = "not utf-8", _("It is not JSON: byte {} is not UTF-8.")
    NOT_JSON = "not json", _("It is not JSON from line {}, column {} on.")
    NOT_A_NUMBER = "not a number", _("It is not JSON: {} is not a number there.")
    TOO_DEEP = "too deep", _("The JSON is nested more than {} levels deep.")
    LONG_NUMBER = "long number", _("It holds a number that is too long.")
    NOT_AN_OBJECT = "not an object", _("The JSON is not an object.")
    # Its fields
    NO_TYPE = "no type", _("There is no type.")
    NO_STATUS = "no status", _("There is no status.")
    NO_MESSAGE_ID = "no message id", _("There is no message id.")
    MESSAGE_ID_NOT_TEXT = "message id not text", _("A message id is not a text.")
    MANY_MESSAGE_IDS = "many message ids", _("It has more than {} message ids.")
    LONG_MESSAGE_ID = "long message id", _("A message id is longer than {} characters.")
    NOT_TEXT = "not text", _("{} is not a text.")
    LONG_TEXT = "long text", _("{} is longer than {} characters.")
    # Watched separately: another instance uses this webhook's URL.
    OTHER_INSTANCE = (
        "other instance",
        _("It came to the webhook of {}, but its body names another one, {}."),
    )
    HIDDEN_INSTANCE = "hidden instance", _("It names another instance.")
    # Kept, and read where it says a status. Nobody has to act on it, so it opens no incident.
    UNKNOWN_TYPE = "unknown type", _("Statusboard does not know the type {}.")
    # Our own mistakes
    NOT_READ = "not read", _("It could not be read; the log says why.")
    NOT_APPLIED = "not applied", _("It could not be applied; the log says why.")
    NOT_STORED = "not stored", _("It could not be stored; the log says why.")
    # The instance, when the offline buffer is emptied
    NO_INSTANCE = "no instance", _("There is no such instance.")
    ARCHIVED = "archived", _("The instance is archived.")
    KEY_RETIRED = "key retired", _("Its key is retired.")
    WRONG_TOKEN = "wrong token", _("Its z-api-token is not the instance’s, which enforces it.")
    # Written by a former version, in a sentence of its own.
    OTHER = "other", "{}"


def stored_values(values: Iterable[object]) -> tuple[str, ...] | None:
    """Values as they are stored: short, on one line, without tokens. None if there are none."""
    starts = (redact_beginning(str(value).strip(), 10 * _MAX_VALUE_LENGTH) for value in values)
    return tuple(" ".join(start.split())[:_MAX_VALUE_LENGTH] for start in starts) or None


def plain_cause_text(cause: str, values: Sequence[object] | None) -> str:
    """The sentence in English, for programs and operators."""
    with translation.override(None):
        return Cause.text(cause, stored_values(values or ()))
