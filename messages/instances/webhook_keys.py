"""The signed key in a webhook URL. It can be verified without the database.

The format is `<instance id in base64url>.<version>.<signature>`. The first of WEBHOOK_SIGNING_KEYS
signs; any of them verifies. The database knows whether the version is still accepted.
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings
from django.urls import reverse


@dataclass(frozen=True, slots=True)
class WebhookKey:
    zapi_id: str
    version: int


def sign(key: WebhookKey) -> str:
    return f"{_claim(key)}.{_signature(settings.WEBHOOK_SIGNING_KEYS[0], _claim(key))}"


def verify(text: str) -> WebhookKey | None:
    """Return the key, or None if we did not sign it.

    Every wrong key takes the same time. Valid keys are cached.
    """
    try:
        return _verified(text, tuple(settings.WEBHOOK_SIGNING_KEYS))
    except (LookupError, UnicodeEncodeError):
        return None


# Errors are not cached, so that wrong keys cannot displace valid ones.
@lru_cache(maxsize=4096)
def _verified(text: str, secrets: tuple[str, ...]) -> WebhookKey | None:
    claim, _, signature = text.rpartition(".")
    given = signature.encode()
    candidates = [_signature(secret, claim).encode() for secret in secrets]
    genuine = [hmac.compare_digest(candidate, given) for candidate in candidates]
    if not any(genuine):
        raise LookupError
    return _read(claim)


def webhook_path(key: WebhookKey) -> str:
    return reverse("webhooks:zapi", kwargs={"key": sign(key)})


def _claim(key: WebhookKey) -> str:
    encoded = base64.urlsafe_b64encode(key.zapi_id.encode()).decode().rstrip("=")
    return f"{encoded}.{key.version}"


def _signature(secret: str, claim: str) -> str:
    digest = hmac.digest(secret.encode(), claim.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _read(claim: str) -> WebhookKey | None:
    encoded, _, version = claim.partition(".")
    try:
        padded = encoded + "=" * (-len(encoded) % 4)
        return WebhookKey(base64.urlsafe_b64decode(padded).decode(), int(version))
    except (ValueError, binascii.Error):
        return None
