"""HTTP requests to URLs that people entered, which must not reach this server's own network."""

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
