"""Secrets taken out of text, wherever the text is written, stored or shown.

Anyone can send text that passes through here, so every pattern takes time in proportion to the
text: repeats are possessive, which means that they never give back what they took, and no pattern
looks at the same stretch twice. Bytes are searched, in lower case, because that is several times as
fast as text with `re.IGNORECASE`.
"""

import re
from collections.abc import Iterator
from typing import Final

HIDDEN: Final = "[hidden]"
# Nobody writes so many secrets into one text. The rest of a text that seems to is hidden unread.
_MAX_SECRETS: Final = 10_000

_SPACE = rb"(?:\s|%20|\+)"
# "token" stands for client_token and all the others that end in it.
_NAME = (
    rb"(?:token|authorization|password|secret(?:[-_]keys?)?|api[-_]?keys?|signing[-_]keys?"
    rb"|encryption[-_]keys?|proxy[-_]?url)"
)
# A quote as it stands in JSON, in JSON within JSON, in Python's repr and in a URL.
_QUOTE = rb"(?:\\*+[\"']|%22|%27)"
_MEANS = (
    rb"(?:\s*+(?>=>|[:=]|%3a|%3d)\s*+|(?<=[\"'])\s*+,\s*+(?=b?[\"']))(?:%20|\+)?+"
    rb"(?:(?:%22|%27)?+(?:bearer|basic)" + _SPACE + rb"++)?+"
)
# To the quote that closes: behind fewer backslashes than one that belongs to what is quoted. JSON
# within JSON has 1, 3, 7, 15 of them; whatever has more than six levels of it is hidden to the end
# of the line.
_OPENING = rb"b?(?P<quote>(?P<slashes>\\{1,63}+)?(?:\"|'))"
_QUOTED = rb"(?:[^\\\n\"']++|(?!(?P=quote))(?:(?(slashes)\\++[\"']?|\\.)|[\"']))++"
_BARE = rb"[^\s\"',;&}\])\\]++"

# Within a URL: the end of its scheme, in JSON with backslashes; what is between two
# signs of it; and the password, which may hold an @ where it was not encoded.
_SLASHES = rb"/\\{0,63}+/"
_IN_URL = rb"[^\s\"'<>/@:]*+"
_URL_PASSWORD = rb"[^\s\"'<>/@]*+(?:@[^\s\"'<>/@]*+(?=@))*+"

# What holds a secret in the product's world, as the group `secret` of a pattern in lower case.
_PATTERNS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        # Z-API's URL, and the webhook's own; plain, or as part of another URL.
        rb"/(?:token|webhooks/zapi)/(?P<secret>[^/\s\"'?#]++)",
        rb"%2f(?:token|webhooks%2fzapi)%2f(?P<secret>(?:[^/\s\"'?#&%]++|%(?!2f|3f|23|22))++)",
        # A webhook's key without its URL: after the instance, a version and the signature.
        rb"\.(?<=[\w-]\.)(?P<secret>\d++\.[\w-]{43})(?![\w-])",
        # An API key, after its beginning, which is no secret.
        rb"sb_(?<!\wsb_)[a-z0-9]{8}_(?P<secret>[\w-]{43})(?![\w-])",
        # The password of a proxy or a database: socks5://user:password@host, plain or encoded.
        _SLASHES + _IN_URL + rb":(?P<secret>" + _URL_PASSWORD + rb")@",
        rb"%2f%2f(?:[^\s\"'%]++|%(?!2f|3a|40))*+%3a(?P<secret>(?:[^\s\"'%]++|%(?!2f|40))++)%40",
        # Headers, members and parameters: quoted to the closing quote, bare to the next delimiter.
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

# The error that echoes: "Client-Token <the value sent> not allowed".
_ECHO_BEGINS: Final = re.compile(rb"client-token" + _SPACE + rb"(?!null\b)")
_ECHO_ENDS: Final = re.compile(_SPACE + rb"not" + _SPACE + rb"allowed")
_MAX_ECHO_LENGTH: Final = 300
# Of a text that was cut, so much of the end may belong to a secret that only its end would tell.
_DOUBTFUL: Final = 400


def redact(text: str) -> str:
    # Half a character (a lone surrogate) becomes a question mark: nothing could write it anyway.
    found = text.encode("utf-8", "replace")
    found = _hide(found, _echoes(found.lower()))
    for pattern in _PATTERNS:
        found = _hide(found, (each.span("secret") for each in pattern.finditer(found.lower())))
    return found.decode()


def redact_beginning(text: str, length: int, *, is_cut: bool = False) -> str:
    """At most so many characters of the redacted text, without reading all of a long one.

    `is_cut` says that `text` itself is only the beginning of something. Never empty where `text` is
    not.
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
    """The text with HIDDEN in place of these spans, which come in order."""
    kept: list[bytes] = []
    end = 0
    for start, following in secrets:
        kept.append(text[end:start])
        end = following
        if len(kept) == _MAX_SECRETS:
            end = len(text)
            break
    return HIDDEN.encode().join([*kept, text[end:]]) if kept else text
