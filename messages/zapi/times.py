"""Parses Z-API's times: Unix times in four units, or ISO 8601."""

import math
from datetime import UTC, datetime
from typing import Any, Final

# WhatsApp started in 2009. A time outside this range is a mistake.
_EARLIEST, _LATEST = datetime(2009, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
# Upper bounds for seconds, milliseconds, microseconds and nanoseconds, and the units in a second.
# Status callbacks have milliseconds, but READ_BY_ME has microseconds. Disconnect callbacks have
# seconds.
_UNITS: Final = ((1e11, 1), (1e14, 1e3), (1e17, 1e6), (1e20, 1e9))


def moment_of(value: Any) -> datetime | None:
    """The time in UTC, or None if the value is not a time or is outside 2009 to 2099.

    The magnitude of a number decides its unit. ISO 8601 without an offset is UTC. A date without a
    time is not accepted.
    """
    try:
        epoch = float(value)
    except (TypeError, ValueError, OverflowError):
        moment = _from_iso(value)
    else:
        moment = _from_epoch(epoch)
    return moment if moment and _EARLIEST <= moment < _LATEST else None


def _from_epoch(epoch: float) -> datetime | None:
    if not math.isfinite(epoch):
        return None
    for bound, per_second in _UNITS:
        if abs(epoch) < bound:
            try:
                return datetime.fromtimestamp(epoch / per_second, UTC)
            except (ValueError, OverflowError, OSError):
                return None
    return None


def _from_iso(value: Any) -> datetime | None:
    text = str(value).strip().upper()
    if len(text) <= len("2026-10-06"):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
