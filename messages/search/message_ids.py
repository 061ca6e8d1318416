"""Finds message ids in pasted text: WhatsApp Web, JSON, Python, log lines, sentences."""

import re
from typing import Final

# Z-API's ids have 12 to 32 characters.
MIN_PREFIX_LENGTH: Final = 8
_PUNCTUATION: Final = " \t\"'`“”„‘’‚«»‹›<>()[]{},;:.…*"
_QUOTES: Final = str.maketrans(dict.fromkeys("“”„‘’‚«»‹›`'", '"') | {"\\": None})
# true_5544…@c.us_3EB0…; in groups followed by _5544…@c.us.
_SERIALIZED: Final = re.compile(
    r"(?:true|false)_[0-9a-z.:-]{1,64}@[a-z.]{1,32}_([0-9a-z]{1,128})", re.IGNORECASE
)
# id: 3EB0…; "messageId": "3EB0…"; ids = ["3EB0…", "3EB1…"]. Not instanceId.
_LABELLED: Final = re.compile(
    r"""(?<![a-z0-9_-])(?:(?:message|msg|zaap|stanza)[\ _-]?)?ids?"?\s{0,4}[:=]\s{0,4}
    (?:\[(?P<list>[^\]]*)|"?(?P<one>[0-9a-z-]+))""",
    re.IGNORECASE | re.VERBOSE,
)
# WhatsApp's own ids. They may contain as many digits as a phone number.
_WHATSAPP_ID: Final = re.compile(
    r"3EB0[0-9A-F]{8,18}|3A[0-9A-F]{18}|(?=(?:[0-9]*[A-F]){4})[0-9A-F]{32}", re.IGNORECASE
)
_WORD: Final = re.compile(r"(?<![0-9A-Za-z-])[0-9A-Za-z]+(?![0-9A-Za-z-])")
_ID_IN_SENTENCE: Final = re.compile(
    r"(?=[0-9]*[A-Z])(?=[A-Z]*[0-9])(?:[0-9A-F]{12,128}|[0-9A-Z]{18,128})", re.IGNORECASE
)
_ID_PREFIX: Final = re.compile(rf"[0-9A-Za-z]{{{MIN_PREFIX_LENGTH},128}}")


def strip_punctuation(text: str) -> str:
    """The text without surrounding quotes, brackets and dots."""
    return text.strip(_PUNCTUATION)


def ids_in_text(text: str) -> tuple[str, ...]:
    """The ids in a longer text.

    If some are written like `messageId: …`, return only those.
    """
    if _WORD.fullmatch(text):
        return ()
    text = text.translate(_QUOTES)
    found = _SERIALIZED.findall(text) or _labelled_ids(text)
    return tuple(dict.fromkeys(found or filter(_ID_IN_SENTENCE.fullmatch, _WORD.findall(text))))


def is_whatsapp_id(text: str) -> bool:
    return bool(_WHATSAPP_ID.fullmatch(text))


def may_be_id_prefix(text: str) -> bool:
    return bool(_ID_PREFIX.fullmatch(text))


def _labelled_ids(text: str) -> list[str]:
    values = (one["list"] or one["one"] or "" for one in _LABELLED.finditer(text))
    return [
        strip_punctuation(value)
        for listed in values
        for value in listed.split(",")
        if strip_punctuation(value)
    ]
