"""Addresses of people as a URL may show them: unreadable, and the same each time.

Deterministic, so that a page can be linked to; authenticated, so that none can be made up.
"""

import base64
import binascii
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from messages.domain import addresses


def encrypt_address(address: str) -> str:
    """One text for all the addresses that certainly are the same person's."""
    sealed = _cipher(settings.SECRET_KEY).encrypt(addresses.person(address).encode(), None)
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def decrypt_address(text: str) -> str | None:
    """None where it was sealed by nobody, or before SECRET_KEY was changed."""
    try:
        sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return _cipher(settings.SECRET_KEY).decrypt(sealed, None).decode()
    except (InvalidTag, binascii.Error, ValueError):
        return None


@lru_cache(maxsize=2)
def _cipher(secret: str) -> AESSIV:
    derived = HKDF(hashes.SHA256(), length=64, salt=None, info=b"recipient addresses")
    return AESSIV(derived.derive(secret.encode()))
