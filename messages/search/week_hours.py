"""A filter by weekday and hour of sending, as in the heat map of the Overview."""

import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from django.http import QueryDict
from django.utils import timezone

_HOUR: Final = timedelta(hours=1)
_HOURS: Final = [str(hour) for hour in range(24)]
_WEEKDAYS: Final = _HOURS[:7]


@dataclass(frozen=True, slots=True)
class WeekHour:
    """One hour of every week, in the time zone with this name. Monday is weekday 0.

    The link to it names the zone, so that it means the same for a colleague and in an export.
    """

    weekday: int
    hour: int
    zone: str

    @classmethod
    def read(cls, query: QueryDict) -> Self | None:
        weekday, hour = query.get("weekday", ""), query.get("hour", "")
        zone = query.get("zone", "") or timezone.get_current_timezone_name()
        is_known = weekday in _WEEKDAYS and hour in _HOURS and _is_zone(zone)
        return cls(int(weekday), int(hour), zone) if is_known else None

    def query(self) -> list[tuple[str, str]]:
        return [("weekday", str(self.weekday)), ("hour", str(self.hour)), ("zone", self.zone)]

    def hours(self, since: datetime, until: datetime) -> Iterator[datetime]:
        """The starts of the hours of UTC in the period that begin in this hour of the week.

        Whole hours of UTC, like the summaries, even in zones that differ by half an hour.
        """
        zone, wanted = zoneinfo.ZoneInfo(self.zone), (self.weekday, self.hour)
        start = since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        while start < until:
            if week_hour(start.astimezone(zone)) == wanted:
                yield start
            start += _HOUR


def week_hour(local: datetime) -> tuple[int, int]:
    return local.weekday(), local.hour


def _is_zone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # an unknown or invalid name
        return False
    return True
