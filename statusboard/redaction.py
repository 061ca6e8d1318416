"""Secrets taken out of text, wherever the text is written, stored or shown."""

import re

HIDDEN = "[hidden]"

_NAME = (
    r"(?:(?:client|partner|access|z-api)[-_]?token|token|api[-_]?key|authorization|password|secret"
    r"|signing[-_]keys?|encryption[-_]keys?|secret[-_]key)"
)
# A quote as it stands in JSON, in JSON within JSON, in Python's repr and in a URL.
_QUOTE = r"(?:\\*[\"']|%22|%27)"
_MEANS = r"(?:\s*(?:=>|[:=]|%3A|%3D)\s*|(?<=[\"'])\s*,\s*(?=b?[\"']))(?:%20|\+)?"

# What holds a secret in the product's world. Each takes the text before the secret as group 1.
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # Z-API's URL, and the webhook's own; plain, or as part of another URL.
        r"(/token/|/webhooks/zapi/)[^/\s\"'?#]+",
        r"(%2Ftoken%2F|%2Fwebhooks%2Fzapi%2F)(?:(?!%2F|%3F|%23|%22)[^/\s\"'?#&])+",
        # A webhook's key without its URL: instance, version and signature.
        r"()(?<![\w.-])[\w-]+\.\d+\.[\w-]{43}(?![\w-])",
        # An API key, after its beginning, which is no secret.
        r"\b(sb_[a-z0-9]{8}_)[\w-]{43}(?![\w-])",
        # The error that echoes: "Client-Token <the value sent> not allowed".
        r"(Client-Token(?:\s|%20|\+))(?!null\b)[^\n]{1,300}?(?=(?:\s|%20|\+)not(?:\s|%20|\+)allowed)",
        # Headers, members and parameters: quoted to the closing quote, bare to the next delimiter.
        rf"({_NAME}{_QUOTE}?{_MEANS}b?(?P<quote>\\*[\"']))(?:(?!(?P=quote))(?:[^\\\n]|\\.))+",
        rf"({_NAME}{_QUOTE}?{_MEANS}(?:%22|%27)?(?:(?:Bearer|Basic)(?:\s|%20|\+)+)?)"
        rf"(?!{re.escape(HIDDEN)}|b?\\*[\"'])[^\s\"',;&}}\])\\]+",
    )
)


def redact(text: str) -> str:
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\1{HIDDEN}", text)
    return text
