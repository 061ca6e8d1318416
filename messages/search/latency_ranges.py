"""A filter by the time from sent to delivered, or from delivered to read."""

import re
from dataclasses import dataclass
from typing import Self

from django.http import QueryDict

from messages.models.latencies import LATENCIES

_RANGE = re.compile(r"([0-9]{1,7})-([0-9]{0,7})")


@dataclass(frozen=True, slots=True)
class LatencyRange:
    """More than `over` seconds and up to `within`; None is without limit.

    If `over` is 0, messages without delay are included, as in the summaries.
    """

    latency: str
    over: int
    within: int | None

    @classmethod
    def read(cls, query: QueryDict) -> tuple[Self, ...]:
        """One range per latency: `delivered_in=30-60`, `read_in=3600-`."""
        found = ((name, _RANGE.fullmatch(query.get(f"{name}_in", ""))) for name in LATENCIES)
        return tuple(
            cls(name, int(match[1]), int(match[2]) if match[2] else None)
            for name, match in found
            if match
        )

    def query(self) -> tuple[str, str]:
        return f"{self.latency}_in", f"{self.over}-{'' if self.within is None else self.within}"
