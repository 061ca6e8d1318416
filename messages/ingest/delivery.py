import secrets
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True)
class Delivery:
    """One authenticated POST as received. `received_at` is in UTC."""

    id: uuid.UUID
    zapi_id: str
    key_version: int
    received_at: datetime
    body: bytes
    # models.token_digest() of the z-api-token header, or '' without one.
    token_digest: str = ""


def new_delivery_id() -> uuid.UUID:
    """A time-ordered UUID (version 7, RFC 9562). So new rows are at the end of the index."""
    milliseconds = time.time_ns() // 1_000_000
    return _version_7(milliseconds << 80 | secrets.randbits(80))


def first_id_at(moment: datetime) -> uuid.UUID:
    """The smallest possible id at `moment`."""
    return _version_7(int(moment.timestamp() * 1000) << 80)


def received_at_of(delivery_id: uuid.UUID) -> datetime:
    """The time of an id, to the millisecond."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=delivery_id.int >> 80)


def _version_7(number: int) -> uuid.UUID:
    number = number & ~(0xF << 76) | 0x7 << 76  # the version
    number = number & ~(0x3 << 62) | 0x2 << 62  # the variant
    return uuid.UUID(int=number)
