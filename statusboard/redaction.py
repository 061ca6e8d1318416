"""Removes secrets from text before it is written, stored or shown.

Anyone can send text that passes through here, so each pattern must take linear time. Repeats are
possessive, which means that they never backtrack, and no pattern reads the same part twice. The
text is searched as bytes in lower case, which is several times faster than `re.IGNORECASE`.
"""

import re
from collections.abc import Iterator
from typing import Final

HIDDEN: Final = "[hidden]"
# No real text has so many secrets. After this many secrets, the rest of the text is hidden.
_MAX_SECRETS: Final = 10_000

_SPACE = rb"(?:\s|%20|\+)"
# "token" also matches client_token and other names that end in it.
_NAME = (
    rb"(?:token|authorization|password|secret(?:[-_]keys?)?|api[-_]?keys?|signing[-_]keys?"
    rb"|encryption[-_]keys?|proxy[-_]?url)"
)
# A quote in JSON, in JSON within JSON, in Python's repr and in a URL.
_QUOTE = rb"(?:\\*+[\"']|%22|%27)"
_MEANS = (
    rb"(?:\s*+(?>=>|[:=]|%3a|%3d)\s*+|(?<=[\"'])\s*+,\s*+(?=b?[\"']))(?:%20|\+)?+"
    rb"(?:(?:%22|%27)?+(?:bearer|basic)" + _SPACE + rb"++)?+"
)
# The value ends at the closing quote. Quotes inside the value have more backslashes before them.
# In nested JSON a quote has 1, 3, 7 or 15 backslashes, depending on the level. With more than six
# levels the rest of the line is hidden.
_OPENING = rb"b?(?P<quote>(?P<slashes>\\{1,63}+)?(?:\"|'))"
_QUOTED = rb"(?:[^\\\n\"']++|(?!(?P=quote))(?:(?(slashes)\\++[\"']?|\\.)|[\"']))++"
_BARE = rb"[^\s\"',;&}\])\\]++"

# Parts of a URL. _SLASHES: after the scheme; in JSON they have backslashes. _IN_URL: user name.
# _URL_PASSWORD: it may contain an unencoded @.
_SLASHES = rb"/\\{0,63}+/"
_IN_URL = rb"[^\s\"'<>/@:]*+"
_URL_PASSWORD = rb"[^\s\"'<>/@]*+(?:@[^\s\"'<>/@]*+(?=@))*+"

# Each pattern, in lower case, has a group `secret`.
_PATTERNS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        # In Z-API's URL and in our webhook URL, plain or encoded within another URL.
        rb"/(?:token|webhooks/zapi)/(?P<secret>[^/\s\"'?#]++)",
        rb"%2f(?:token|webhooks%2fzapi)%2f(?P<secret>(?:[^/\s\"'?#&%]++|%(?!2f|3f|23|22))++)",
        # A webhook key without its URL: after the instance, a version and the signature.
        rb"\.(?<=[\w-]\.)(?P<secret>\d++\.[\w-]{43})(?![\w-])",
        # An API key, after its prefix, which is not secret.
        rb"sb_(?<!\wsb_)[a-z0-9]{8}_(?P<secret>[\w-]{43})(?![\w-])",
        # The password of a proxy or a database: socks5://user:password@host, plain or encoded.
        _SLASHES + _IN_URL + rb":(?P<secret>" + _URL_PASSWORD + rb")@",
        rb"%2f%2f(?:[^\s\"'%]++|%(?!2f|3a|40))*+%3a(?P<secret>(?:[^\s\"'%]++|%(?!2f|40))++)%40",
        # Headers, members and parameters: up to the closing quote or, without quotes, a delimiter.
        _NAME
        + _QUOTE
        + rb"?+"
        + _MEANS
        + rb"(?:"
        + _OPENING
        + rb"|\\{64}|(?:%22|%27)?+(?!\[hidden\]|b?\\*+[\"']))"
        + rb"(?P<secret>(?(quote)"
        + _QUOTED
        + rb"|(?:"
        + _BARE
        + rb"|(?<=\\{64})[^\n]++)))",
    )
)

# Z-API's error that repeats the token: "Client-Token <the value sent> not allowed".
_ECHO_BEGINS: Final = re.compile(rb"client-token" + _SPACE + rb"(?!null\b)")
_ECHO_ENDS: Final = re.compile(_SPACE + rb"not" + _SPACE + rb"allowed")
_MAX_ECHO_LENGTH: Final = 300
# If a text was cut, up to this many characters at its end may belong to a secret.
_DOUBTFUL: Final = 400


def redact(text: str) -> str:
    # A lone surrogate becomes a question mark, because it cannot be encoded.
    found = text.encode("utf-8", "replace")
    found = _hide(found, _echoes(found.lower()))
    for pattern in _PATTERNS:
        found = _hide(found, (each.span("secret") for each in pattern.finditer(found.lower())))
    return found.decode()


def redact_beginning(text: str, length: int, *, is_cut: bool = False) -> str:
    """At most `length` characters of the redacted text, without reading all of a long text.

    `is_cut`: `text` itself is only the beginning of something. The result is empty only if `text`
    is.
    """
    read = text[: length + 10 * _DOUBTFUL]
    shown = redact(read)
    if is_cut or len(read) < len(text):
        shown = shown[: max(0, len(shown) - _DOUBTFUL)]
    return shown[:length] or (HIDDEN[:length] if text else "")


def _echoes(text: bytes) -> Iterator[tuple[int, int]]:
    end = 0
    for after in _ECHO_ENDS.finditer(text):
        line = text.rfind(b"\n", end, after.start()) + 1
        begin = max(end, line, after.start() - _MAX_ECHO_LENGTH)
        end = after.end()
        if before := _ECHO_BEGINS.search(text, begin, after.start()):
            yield before.end(), after.start()


def _hide(text: bytes, secrets: Iterator[tuple[int, int]]) -> bytes:
    """The text with HIDDEN in place of these spans, which must be in order."""
    kept: list[bytes] = []
    end = 0
    for start, following in secrets:
        kept.append(text[end:start])
        end = following
        if len(kept) == _MAX_SECRETS:
            end = len(text)
            break
    return HIDDEN.encode().join([*kept, text[end:]]) if kept else text
