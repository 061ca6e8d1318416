"""System checks: what an operator must know before the first callback, in a sentence each."""

from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning

_SET_IT = "Set PUBLIC_BASE_URL=https://your.board in the environment or in .env."


@register(Tags.security, deploy=True)
def public_base_url_is_set(**_: Any) -> list[CheckMessage]:
    if settings.PUBLIC_BASE_URL:
        return []
    return [
        CheckWarning(
            "PUBLIC_BASE_URL is not set, so no webhook can be pushed to Z-API.",
            hint=_SET_IT,
            id="statusboard.W001",
        )
    ]


@register(Tags.security)
def public_base_url_is_usable(**_: Any) -> list[CheckMessage]:
    url = settings.PUBLIC_BASE_URL
    if not url or settings.DEMO:
        return []
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        return [
            Error(
                f"PUBLIC_BASE_URL is {url}, but Z-API only accepts https addresses.",
                hint=_SET_IT,
                id="statusboard.E001",
            )
        ]
    if parts.path or parts.query or parts.fragment:
        return [
            Error(
                "PUBLIC_BASE_URL must be a bare address, without a path.",
                hint=_SET_IT,
                id="statusboard.E002",
            )
        ]
    return []


@register(Tags.security)
def encryption_keys(**_: Any) -> list[CheckMessage]:
    try:
        for key in settings.FIELD_ENCRYPTION_KEYS:
            Fernet(key)
    except ValueError:
        return [
            Error(
                "FIELD_ENCRYPTION_KEYS holds a key that is not 32 url-safe base64-encoded bytes.",
                hint=".env.example shows the command that makes one.",
                id="statusboard.E003",
            )
        ]
    return []


@register(Tags.security)
def signing_keys(**_: Any) -> list[CheckMessage]:
    if all(len(key) >= 32 for key in settings.WEBHOOK_SIGNING_KEYS):
        return []
    return [
        Error(
            "WEBHOOK_SIGNING_KEYS holds a key of fewer than 32 characters: it could be guessed.",
            hint=".env.example shows the command that makes one.",
            id="statusboard.E004",
        )
    ]
