"""Signs notifications so that receivers can verify them; see docs/operator.md."""

import hashlib
import hmac


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """The timestamp is signed too, so that an old notification cannot be replayed as a new one."""
    signed = str(timestamp).encode() + b"." + body
    return "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
