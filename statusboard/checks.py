"""System checks of the configuration. Each message is one sentence for the operator."""

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

_SET_IT = "Set PUBLIC_BASE_URL=https://status.example.com in the environment or in .env."


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
                f"PUBLIC_BASE_URL is {url}, but Z-API only accepts https URLs.",
                hint=_SET_IT,
                id="statusboard.E001",
            )
        ]
    if parts.path or parts.query or parts.fragment:
        return [
            Error(
                "PUBLIC_BASE_URL must have no path.",
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
                "FIELD_ENCRYPTION_KEYS contains a key that is not 32 bytes in url-safe base64.",
                hint=".env.example shows the command to make one.",
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
            "WEBHOOK_SIGNING_KEYS contains a key shorter than 32 characters, which can be guessed.",
            hint=".env.example shows the command to make one.",
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
            "SECRET_KEY is short or simple. Anybody who guesses it can sign in as any user.",
            hint=".env.example shows the command to make one.",
            id="statusboard.E005",
        )
    ]


@register(Tags.security)
def secrets_are_independent(**_: Any) -> list[CheckMessage]:
    """If one key leaks, the others must stay secret."""
    keys = [settings.SECRET_KEY, *settings.WEBHOOK_SIGNING_KEYS, *settings.FIELD_ENCRYPTION_KEYS]
    if len(keys) == len(set(keys)):
        return []
    return [
        Error(
            "SECRET_KEY, WEBHOOK_SIGNING_KEYS and FIELD_ENCRYPTION_KEYS use the same key twice.",
            hint="Make one for each. .env.example shows the commands.",
            id="statusboard.E006",
        )
    ]


@register(Tags.security)
def debug_is_off_in_public(**_: Any) -> list[CheckMessage]:
    if not (settings.DEBUG and settings.IS_HTTPS):
        return []
    return [
        Error(
            "DEBUG is on at a public URL. Error pages would show source code and data to anybody.",
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
            "ALLOWED_HOSTS is *, so attackers could make links in e-mails lead to their site.",
            hint="List the host names of this site.",
            id="statusboard.E008",
        )
    ]


@register(Tags.security)
def proxies_are_named(**_: Any) -> list[CheckMessage]:
    if all(network.prefixlen for network in settings.WEBHOOK_TRUSTED_PROXIES):
        return []
    return [
        CheckWarning(
            "WEBHOOK_TRUSTED_PROXIES is the whole internet, so clients can choose the IP that "
            "rate limits see.",
            hint="List only the networks of your own proxies.",
            id="statusboard.W002",
        )
    ]


@register(Tags.security)
def metrics_token_is_long(**_: Any) -> list[CheckMessage]:
    if not settings.METRICS_TOKEN or len(settings.METRICS_TOKEN) >= 16:
        return []
    return [
        Error(
            "METRICS_TOKEN is shorter than 16 characters, which can be guessed.",
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
            "METRICS_ALLOWED_NETWORKS lets this machine read /metrics. A proxy on this machine "
            "without a header such as X-Forwarded-For would let everybody read it.",
            hint="Set METRICS_TOKEN and remove this machine's IP from the list.",
            id="statusboard.W006",
        )
    ]


@register(Tags.security, deploy=True)
def own_network_is_closed(**_: Any) -> list[CheckMessage]:
    if settings.DEMO or not settings.FORWARD_ALLOW_PRIVATE:
        return []
    return [
        CheckWarning(
            "FORWARD_ALLOW_PRIVATE is on. People who may change an instance or a channel can make "
            "this server call any URL in its own network.",
            hint="Set FORWARD_ALLOW_PRIVATE=off, unless you trust all your admins.",
            id="statusboard.W005",
        )
    ]


@register(Tags.security, deploy=True)
def roles_are_masked(**_: Any) -> list[CheckMessage]:
    """API keys follow MASK_PHONES_FOR at once. People follow it after `migrate`."""
    from messages.accounts.roles import roles_to_sync  # noqa: PLC0415  (needs models)

    try:
        names = roles_to_sync()
    except DatabaseError:
        return []
    if not names:
        return []
    return [
        CheckWarning(
            f"MASK_PHONES_FOR was changed but is not applied to these roles: {', '.join(names)}.",
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
            f"{path} contains secrets or messages, and other users of this machine can read it.",
            hint=f"chmod go= {path}",
            id="statusboard.W003",
        )
        for path in _readable_by_others(files)
    ]


def _readable_by_others(files: Sequence[Path]) -> Iterator[Path]:
    return (path for path in files if path.exists() and path.stat().st_mode & 0o077)


# Per table, so that the check is fast. A sample is enough: a wrong key cannot decrypt any of them.
_MAX_CHECKED_SECRETS: Final = 1000


@register(Tags.database)
def stored_secrets_are_readable(
    databases: Sequence[str] | None = None, **_: Any
) -> list[CheckMessage]:
    from messages.accounts.stored_secrets import unreadable  # noqa: PLC0415  (needs models)

    if DEFAULT_DB_ALIAS not in (databases or ()):
        return []
    try:
        number = unreadable(_MAX_CHECKED_SECRETS)
    except (DatabaseError, ValueError):
        # Not migrated, unavailable, or without any key: other checks report these.
        return []
    if not number:
        return []
    return [
        CheckWarning(
            f"FIELD_ENCRYPTION_KEYS cannot decrypt {number} stored secrets, such as tokens.",
            hint="Restore the key that they were saved with, or enter the secrets again.",
            id="statusboard.W007",
        )
    ]


@register(Tags.database)
def signing_keys_still_needed(databases: Sequence[str] | None = None, **_: Any) -> list[Error]:
    """Report signing keys that were removed although Z-API still calls URLs signed with them.

    Runs with `migrate` and `check --database default`.
    """
    # Needs models.
    from messages.instances.webhook_urls import instances_with_unknown_keys  # noqa: PLC0415

    if DEFAULT_DB_ALIAS not in (databases or ()):
        return []
    try:
        cut_off = instances_with_unknown_keys()
    except DatabaseError:
        # Not migrated or unavailable: other checks report these.
        return []
    if not cut_off:
        return []
    names = ", ".join(f"{instance.name} ({instance.shown_id})" for instance in cut_off)
    return [
        Error(
            "WEBHOOK_SIGNING_KEYS lacks the key of URLs that Z-API still calls, so their "
            f"callbacks would be refused. Instances: {names}.",
            hint="Add the key at the end of the list, push these instances, then remove it.",
            id="statusboard.E009",
        )
    ]
