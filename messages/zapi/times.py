"""Z-API's unix times, whose unit varies: seconds here, milliseconds there. Pure."""

import math
from datetime import UTC, datetime
from typing import Any

# Below this they are seconds: 1e11 milliseconds is 1973, 1e11 seconds the year 5138.
_SECONDS_BELOW = 1e11
# WhatsApp opened in 2009; a time outside this span is a mistake, whatever its unit.
_EARLIEST, _LATEST = datetime(2009, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def moment_of(value: Any) -> datetime | None:
    """None for what is no time, or none that makes sense."""
    try:
        epoch = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if not math.isfinite(epoch):
        return None
    seconds = epoch if abs(epoch) < _SECONDS_BELOW else epoch / 1000
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return moment if _EARLIEST <= moment < _LATEST else None
