"""Why something was not taken, stored so that each reader is told in their own language."""

from typing import Final

from django.utils.translation import gettext, gettext_noop

from statusboard.redaction import redact_beginning

MAX_CAUSE = 300
_MAX_VALUE = 100
# Watched for by itself: a webhook's URL stands at another instance.
NAMES_ANOTHER: Final = gettext_noop(
    "It came to the webhook of {}, but its body names another one, {}."
)
# Kept, and read where it says a status: no fault of anybody's, so no incident either.
UNKNOWN_TYPE: Final = gettext_noop("Statusboard does not know the type {}.")


def stored_cause(words: str, *values: str) -> str:
    """`words` as the source has them and, on a line of its own, what stands for each {} in them."""
    starts = (redact_beginning(value.strip(), 10 * _MAX_VALUE) for value in values)
    lines = (" ".join(start.split())[:_MAX_VALUE] for start in starts)
    return "\n".join([words, *lines])[:MAX_CAUSE]


def plain_cause(cause: str) -> str:
    """In the source's language, for programs and operators."""
    words, *values = cause.split("\n")
    return words.format(*values) if values else words


def translated_cause(cause: str) -> str:
    words, *values = cause.split("\n")
    translated = gettext(words) if words else ""
    return translated.format(*values) if values else translated
