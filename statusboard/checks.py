"""System checks: what an operator must know before the first callback, in a sentence each."""

from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.db import DEFAULT_DB_ALIAS, DatabaseError

from .client_ips import is_in
from .private_files import open_to_others

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


@register(Tags.security)
def secret_key(**_: Any) -> list[CheckMessage]:
    key = settings.SECRET_KEY
    if len(key) >= 32 and len(set(key)) >= 5 and "insecure" not in key:
        return []
    return [
        Error(
            "SECRET_KEY is short or simple: whoever guesses it signs in as anybody.",
            hint=".env.example shows the command that makes one.",
            id="statusboard.E005",
        )
    ]


@register(Tags.security)
def secrets_are_independent(**_: Any) -> list[CheckMessage]:
    """One that is used twice is lost twice."""
    keys = [settings.SECRET_KEY, *settings.WEBHOOK_SIGNING_KEYS, *settings.FIELD_ENCRYPTION_KEYS]
    if len(keys) == len(set(keys)):
        return []
    return [
        Error(
            "The same key is used twice among SECRET_KEY, WEBHOOK_SIGNING_KEYS and "
            "FIELD_ENCRYPTION_KEYS.",
            hint="Make one for each; .env.example shows the commands.",
            id="statusboard.E006",
        )
    ]


@register(Tags.security)
def debug_is_off_in_public(**_: Any) -> list[CheckMessage]:
    if not (settings.DEBUG and settings.IS_HTTPS):
        return []
    return [
        Error(
            "DEBUG is on at a public address: errors would show source and data to anybody.",
            hint="Set DEBUG=off.",
            id="statusboard.E007",
        )
    ]


@register(Tags.security)
def hosts_are_named(**_: Any) -> list[CheckMessage]:
    if "*" not in settings.ALLOWED_HOSTS:
        return []
    return [
        Error(
            "ALLOWED_HOSTS is *, so links in e-mails could be made to lead elsewhere.",
            hint="Name the hosts that the board answers to.",
            id="statusboard.E008",
        )
    ]


@register(Tags.security)
def proxies_are_named(**_: Any) -> list[CheckMessage]:
    if all(network.prefixlen for network in settings.WEBHOOK_TRUSTED_PROXIES):
        return []
    return [
        CheckWarning(
            "WEBHOOK_TRUSTED_PROXIES is the whole internet: callers choose the address that they "
            "are known by, and are never told to wait.",
            hint="Name the networks of your own proxies.",
            id="statusboard.W002",
        )
    ]


@register(Tags.security)
def metrics_token_is_long(**_: Any) -> list[CheckMessage]:
    if not settings.METRICS_TOKEN or len(settings.METRICS_TOKEN) >= 16:
        return []
    return [
        Error(
            "METRICS_TOKEN has fewer than 16 characters: it could be guessed.",
            hint="python3 -c 'import secrets; print(secrets.token_urlsafe(32))' makes one.",
            id="statusboard.E010",
        )
    ]


@register(Tags.security)
def metrics_are_not_open_to_a_local_proxy(**_: Any) -> list[CheckMessage]:
    here = (ip_address("127.0.0.1"), ip_address("::1"))
    if not any(is_in(address, settings.METRICS_ALLOWED_NETWORKS) for address in here):
        return []
    return [
        CheckWarning(
            "METRICS_ALLOWED_NETWORKS lets this machine read /metrics. So may everybody, where a "
            "proxy on this machine passes on requests without a header such as X-Forwarded-For.",
            hint="Set METRICS_TOKEN and take this machine's address out of the list.",
            id="statusboard.W006",
        )
    ]


@register(Tags.security, deploy=True)
def own_network_is_closed(**_: Any) -> list[CheckMessage]:
    if settings.DEMO or not settings.FORWARD_ALLOW_PRIVATE:
        return []
    return [
        CheckWarning(
            "FORWARD_ALLOW_PRIVATE is on: whoever may change an instance or a channel can make "
            "this server call any address of its own network.",
            hint="Set FORWARD_ALLOW_PRIVATE=off, or leave it where you trust all your admins.",
            id="statusboard.W005",
        )
    ]


@register(Tags.security, deploy=True)
def roles_are_masked(**_: Any) -> list[CheckMessage]:
    """Keys read MASK_PHONES_FOR at every request, but a person's role has it from `migrate`."""
    from messages.accounts.roles import roles_to_sync  # noqa: PLC0415  (needs models)

    try:
        names = roles_to_sync()
    except DatabaseError:
        return []
    if not names:
        return []
    return [
        CheckWarning(
            f"MASK_PHONES_FOR was changed, but these roles do not follow it yet: "
            f"{', '.join(names)}.",
            hint="Run manage.py migrate.",
            id="statusboard.W004",
        )
    ]


@register(Tags.security)
def secrets_are_private(**_: Any) -> list[CheckMessage]:
    files = [settings.BASE_DIR / ".env"]
    files += open_to_others(settings.DATA_DIR, settings.PRIVATE_DATABASES)
    return [
        CheckWarning(
            f"{path} holds secrets or messages and can be read by others on this machine.",
            hint=f"chmod go= {path}",
            id="statusboard.W003",
        )
        for path in _readable_by_others(files)
    ]


def _readable_by_others(files: Sequence[Path]) -> Iterator[Path]:
    return (path for path in files if path.exists() and path.stat().st_mode & 0o077)


# Of each table, so that a check takes no time: a wrong key opens none of them.
_SECRETS_LOOKED_AT: Final = 1000


@register(Tags.database)
def stored_secrets_are_readable(
    databases: Sequence[str] | None = None, **_: Any
) -> list[CheckMessage]:
    from messages.accounts.stored_secrets import unreadable  # noqa: PLC0415  (needs models)

    if DEFAULT_DB_ALIAS not in (databases or ()):
        return []
    try:
        number = unreadable(_SECRETS_LOOKED_AT)
    except (DatabaseError, ValueError):
        # Not migrated yet, or away, or no key at all: each is reported by others.
        return []
    if not number:
        return []
    return [
        CheckWarning(
            f"FIELD_ENCRYPTION_KEYS cannot open {number} stored secrets, such as tokens.",
            hint="Put back the key that they were saved with, or enter them again.",
            id="statusboard.W007",
        )
    ]


@register(Tags.database)
def signing_keys_still_needed(databases: Sequence[str] | None = None, **_: Any) -> list[Error]:
    """With `migrate` and `check --database default`: whether a key was retired too early."""
    from messages.instances.webhook_urls import instances_with_unknown_keys  # noqa: PLC0415  (needs models)

    if DEFAULT_DB_ALIAS not in (databases or ()):
        return []
    try:
        cut_off = instances_with_unknown_keys()
    except DatabaseError:
        # Not migrated yet, or away: either is reported by others.
        return []
    if not cut_off:
        return []
    names = ", ".join(f"{instance.name} ({instance.shown_id})" for instance in cut_off)
    return [
        Error(
            "WEBHOOK_SIGNING_KEYS no longer holds the key of URLs that Z-API still calls, so their "
            f"callbacks would be refused. Instances: {names}.",
            hint="Put the key back at the end of the list, push these instances, then remove it.",
            id="statusboard.E009",
        )
    ]
