"""Posts to addresses that people typed in, where no such address may open this server's network."""

from .http_client import Answer, Failure, PostFailedError, SafeHttpClient
from .url_guard import UnsafeUrlError, parse_url

__all__ = [
    "Answer",
    "Failure",
    "PostFailedError",
    "SafeHttpClient",
    "UnsafeUrlError",
    "parse_url",
]
