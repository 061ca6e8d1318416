"""Posts to addresses that people typed in, where no such address may open this server's network."""

from .addresses import UnsafeAddressError, read_address
from .courier import Answer, Courier, Failure, PostFailedError

__all__ = [
    "Answer",
    "Courier",
    "Failure",
    "PostFailedError",
    "UnsafeAddressError",
    "read_address",
]
