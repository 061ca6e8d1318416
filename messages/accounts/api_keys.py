"""API keys: create and revoke them, authenticate requests, and count requests."""

import hmac
import re
import secrets
import string
from collections.abc import Collection, Iterable
from datetime import timedelta
from functools import cached_property
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from messages.accounts.audit import audit
from messages.models import Account, Action, ApiKey, ApiKeyLimit, Instance, KeyRole, token_digest
from messages.models.due import has_passed, is_over
from statusboard.rate_limiter import Quota

from . import account_notices
from .roles import ADMIN, LABEL, SEE_PHONES, SUPERVISOR, SUPPORT, permissions_of

_ROLES: Final = {KeyRole.SUPPORT: SUPPORT, KeyRole.SUPERVISOR: SUPERVISOR, KeyRole.ADMIN: ADMIN}
_WINDOW: Final = timedelta(minutes=1)
# The prefix helps to find leaked keys, e.g. in a repository. statusboard.redaction knows it.
_FORM = re.compile(r"(sb_[a-z0-9]{8})_[\w-]{43}", re.ASCII)
_ALPHABET: Final = string.ascii_lowercase + string.digits


class KeyHolder:
    """The user object of an API request, with the same methods as a User."""

    is_authenticated = is_active = True
    is_anonymous = is_superuser = is_staff = False

    def __init__(self, key: ApiKey) -> None:
        self.key = key

    def has_perm(self, name: str) -> bool:
        """Check the key's scope for labelling, and its role for reading."""
        return not self.lacks(name)

    def lacks(self, name: str) -> str:
        """Return why the key may not do this, or ''."""
        if name == LABEL:
            return "" if self.key.may_label else _("This key cannot label messages.")
        if not self.key.may_read:
            return _("This key can only label messages.")
        if name in _permissions_of(self.key.role):
            return ""
        role = KeyRole(self.key.role).label
        return _("This key’s role (%(role)s) does not allow this.") % {"role": role}

    def get_username(self) -> str:
        return f"{self.key.name} ({self.key.prefix})"

    @cached_property
    def limits(self) -> list[ApiKeyLimit]:
        return list(self.key.limits.all())


def role_sees_phones(role: str) -> bool:
    """Whether keys of this role see full phone numbers."""
    return SEE_PHONES in _permissions_of(role)


def labels_by_default(role: str) -> bool:
    """Whether new keys of this role may label messages by default.

    They may if users with this role may.
    """
    return LABEL in _permissions_of(role)


@transaction.atomic
def issue(
    key: ApiKey,
    *,
    accounts: Iterable[Account] = (),
    instances: Iterable[Instance] = (),
    by: HttpRequest | None,
) -> str:
    """Save a new key and return it. Only its hash is stored."""
    key.prefix = "sb_" + "".join(secrets.choice(_ALPHABET) for _ in range(8))
    text = f"{key.prefix}_{secrets.token_urlsafe(32)}"
    key.hash = token_digest(text)
    key.created_by = by.user if by and isinstance(by.user, User) else None
    key.save(force_insert=True)
    limits = [ApiKeyLimit(key=key, account=account) for account in accounts]
    limits += [ApiKeyLimit(key=key, instance=instance) for instance in instances]
    ApiKeyLimit.objects.bulk_create(limits)
    audit(by, Action.API_KEY_CREATED, details=_told(key) | {"limits": len(limits)})
    if key.created_by:
        account_notices.notify(key.created_by, account_notices.API_KEY_CREATED, by)
    return text


@transaction.atomic
def revoke(key: ApiKey, *, by: HttpRequest | None) -> None:
    """Revoke the key permanently. A second call does not change the time."""
    current = ApiKey.objects.filter(pk=key.pk, revoked_at=None)
    if current.update(revoked_at=timezone.now()):
        audit(by, Action.API_KEY_REVOKED, details=_told(key))


def holder_of(text: str) -> KeyHolder | None:
    """Authenticate a key. Return None if it is unknown, wrong, expired or revoked."""
    match = _FORM.fullmatch(text)
    key = ApiKey.objects.filter(prefix=match[1]).first() if match else None
    if key is None or not hmac.compare_digest(key.hash, token_digest(text)):
        return None
    return KeyHolder(key) if key.is_usable(timezone.now()) else None


def spend(key: ApiKey) -> Quota:
    """Count one request of the key, across all processes.

    Each statement checks and counts at once, so that two requests cannot use the same quota.
    """
    now, limit = timezone.now(), settings.API_REQUESTS_PER_MINUTE
    this = ApiKey.objects.filter(pk=key.pk)
    since = key.last_used_at
    if since is None or has_passed(_WINDOW, since, now):
        is_new = Q(last_used_at=None) | is_over("last_used_at", now, _WINDOW)
        if this.filter(is_new).update(last_used_at=now, requests=1):
            return Quota(limit, limit - 1, int(_WINDOW.total_seconds()))
        key.refresh_from_db(
            fields=["last_used_at", "requests"]
        )  # another process has already reset the counter for this minute
        since = key.last_used_at or now
    counted = this.filter(requests__lt=limit).update(requests=F("requests") + 1)
    seconds_left = max(1, round((since + _WINDOW - now).total_seconds()))
    if not counted:
        return Quota(limit, 0, seconds_left, wait=seconds_left)
    return Quota(limit, max(0, limit - key.requests - 1), seconds_left)


def _permissions_of(role: str) -> Collection[str]:
    return permissions_of(_ROLES[KeyRole(role)])


def _told(key: ApiKey) -> dict[str, str | bool]:
    return {
        "name": key.name,
        "begins": key.prefix,
        "role": key.role,
        "may_read": key.may_read,
        "may_label": key.may_label,
    }
