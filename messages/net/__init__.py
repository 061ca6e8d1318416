"""Posts to addresses that people typed in, where no such address may open this server's network."""

from .http_client import Answer, Courier, Failure, PostFailedError
from .url_guard import UnsafeAddressError, read_address

__all__ = [
    "Answer",
    "Courier",
    "Failure",
    "PostFailedError",
    "UnsafeAddressError",
    "read_address",
]
