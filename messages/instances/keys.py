"""The key in a webhook's URL: proof, without a database, that we gave it out.

`<instance id in base64url>.<version>.<signature>`: the first key of WEBHOOK_SIGNING_KEYS signs, any
of them verifies. Whether that version is still accepted is the database's to say.
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse


@dataclass(frozen=True, slots=True)
class WebhookKey:
    zapi_id: str
    version: int


def sign(key: WebhookKey) -> str:
    return f"{_claim(key)}.{_signature(settings.WEBHOOK_SIGNING_KEYS[0], _claim(key))}"


def verify(text: str) -> WebhookKey | None:
    """The key behind `text`, or None for whatever we did not sign. Takes the same time for both."""
    claim, _, signature = text.rpartition(".")
    candidates = [_signature(secret, claim) for secret in settings.WEBHOOK_SIGNING_KEYS]
    given = signature.encode()
    genuine = [hmac.compare_digest(candidate.encode(), given) for candidate in candidates]
    return _read(claim) if any(genuine) else None


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
