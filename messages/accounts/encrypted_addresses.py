"""Encrypted recipient addresses for URLs.

Deterministic, so that links stay the same; authenticated, so that nobody can forge one.
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
    """The same text for all address forms that certainly belong to one person."""
    encrypted = _cipher(settings.SECRET_KEY).encrypt(addresses.person_key(address).encode(), None)
    return base64.urlsafe_b64encode(encrypted).decode().rstrip("=")


def decrypt_address(text: str) -> str | None:
    """None if the text is invalid or was encrypted with another SECRET_KEY."""
    try:
        encrypted = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return _cipher(settings.SECRET_KEY).decrypt(encrypted, None).decode()
    except (InvalidTag, binascii.Error, ValueError):
        return None


@lru_cache(maxsize=2)
def _cipher(secret: str) -> AESSIV:
    derived = HKDF(hashes.SHA256(), length=64, salt=None, info=b"recipient addresses")
    return AESSIV(derived.derive(secret.encode()))
