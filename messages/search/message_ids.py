"""Message ids in what people paste: from WhatsApp Web, JSON, Python, a log line, somebody's words.

A text that is nothing but an id needs none of this.
"""

import re
from typing import Final

# Half an id is enough: Z-API's have 12 to 32 characters.
SHORTEST_BEGINNING: Final = 8
_AROUND: Final = " \t\"'`“”„‘’‚«»‹›<>()[]{},;:.…*"
_QUOTES: Final = str.maketrans(dict.fromkeys("“”„‘’‚«»‹›`'", '"') | {"\\": None})
# true_5544…@c.us_3EB0…, and in groups _5544…@c.us behind it.
_SERIALIZED: Final = re.compile(
    r"(?:true|false)_[0-9a-z.:-]{1,64}@[a-z.]{1,32}_([0-9a-z]{1,128})", re.IGNORECASE
)
# id: 3EB0…; "messageId": "3EB0…"; ids = ["3EB0…", "3EB1…"]. Not instanceId: it names no message.
_NAMED: Final = re.compile(
    r"""(?<![a-z0-9_-])(?:(?:message|msg|zaap|stanza)[\ _-]?)?ids?"?\s{0,4}[:=]\s{0,4}
    (?:\[(?P<list>[^\]]*)|"?(?P<one>[0-9a-z-]+))""",
    re.IGNORECASE | re.VERBOSE,
)
# WhatsApp's own ids, which may hold as many digits as a phone number.
_WHATSAPPS: Final = re.compile(
    r"3EB0[0-9A-F]{8,18}|3A[0-9A-F]{18}|(?=(?:[0-9]*[A-F]){4})[0-9A-F]{32}", re.IGNORECASE
)
_WORD: Final = re.compile(r"(?<![0-9A-Za-z-])[0-9A-Za-z]+(?![0-9A-Za-z-])")
_ID_AMONG_WORDS: Final = re.compile(
    r"(?=[0-9]*[A-Z])(?=[A-Z]*[0-9])(?:[0-9A-F]{12,128}|[0-9A-Z]{18,128})", re.IGNORECASE
)
_BEGINNING: Final = re.compile(rf"[0-9A-Za-z]{{{SHORTEST_BEGINNING},128}}")


def bare(text: str) -> str:
    """Without the quotes, brackets and dots around it."""
    return text.strip(_AROUND)


def ids_within(text: str) -> tuple[str, ...]:
    """The ids that a text holds besides other things; those that it names as ids before others."""
    if _WORD.fullmatch(text):
        return ()
    text = text.translate(_QUOTES)
    found = _SERIALIZED.findall(text) or _named(text)
    return tuple(dict.fromkeys(found or filter(_ID_AMONG_WORDS.fullmatch, _WORD.findall(text))))


def is_whatsapps_id(text: str) -> bool:
    return bool(_WHATSAPPS.fullmatch(text))


def may_begin_an_id(text: str) -> bool:
    return bool(_BEGINNING.fullmatch(text))


def _named(text: str) -> list[str]:
    values = (one["list"] or one["one"] or "" for one in _NAMED.finditer(text))
    return [bare(value) for listed in values for value in listed.split(",") if bare(value)]
