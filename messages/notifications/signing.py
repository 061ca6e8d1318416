"""How a receiver knows that a notification is ours and new; docs/operator.md shows it to them."""

import hashlib
import hmac


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """The time is signed along, so that an old notification cannot be sent again as a new one."""
    signed = str(timestamp).encode() + b"." + body
    return "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
