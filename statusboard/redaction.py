"""Secrets taken out of text, wherever the text is written, stored or shown."""

import logging
import re

HIDDEN = "[hidden]"

# What holds a secret in the product's world: Z-API's URL, the webhook's own URL, the error that
# echoes the Client-Token ("Client-Token <the value sent> not allowed"), headers and JSON members.
_PATTERNS = (
    re.compile(r"(/token/)[^/\s\"'?#]+"),
    re.compile(r"(/webhooks/zapi/)[^/\s\"'?#]+"),
    re.compile(r"(Client-Token )(?!null\b)\S+(?= not allowed)", re.IGNORECASE),
    re.compile(
        r"((?:client[-_]?token|z-api-token|authorization|partner[-_]?token|token|password)"
        r"[\"']?\s*[:=]\s*[\"']?(?:Bearer\s+)?)[^\s\"',;&}]+",
        re.IGNORECASE,
    ),
)


def redact(text: str) -> str:
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\1{HIDDEN}", text)
    return text


class RedactingFormatter(logging.Formatter):
    """Redacts the finished line, so that arguments and tracebacks are covered too."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))
