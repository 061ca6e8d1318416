"""Durations and time zones as text."""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from messages.domain import render_context

UTC: Final = "UTC"
# Zone names are ASCII. These cities have accents, so they are listed here.
_CITIES: Final = {
    "Araguaina": "Araguaína",
    "Belem": "Belém",
    "Cuiaba": "Cuiabá",
    "Eirunepe": "Eirunepé",
    "Maceio": "Maceió",
    "Santarem": "Santarém",
    "Sao_Paulo": "São Paulo",
}
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def unexpected_zone_label(name: str, at: datetime) -> str:
    """The label of a zone, or '' if it is the default zone, which readers expect."""
    is_expected = name == settings.DEFAULT_TIME_ZONE and name != UTC
    return "" if is_expected else zone_label(name, at)


def zone_label(name: str, now: datetime) -> str:
    """The city and the offset from UTC at this time of the year: "Kolkata (UTC+5:30)".

    `now` must be a time in that zone.
    """
    city = name.rpartition("/")[2]
    offset = _from_utc(now.utcoffset() or timedelta())
    return name if name == UTC else f"{_CITIES.get(city, city.replace('_', ' '))} ({offset})"


def _from_utc(offset: timedelta) -> str:
    hours, minutes = divmod(abs(offset) // timedelta(minutes=1), 60)
    sign = "−" if offset < timedelta() else "+"
    return f"UTC{sign}{hours}" + (f":{minutes:02}" if minutes else "")


def duration(length: timedelta) -> str:
    """The duration in its two largest units: "12 s", "4 min 10 s", "2 h 5 min", "3 days 4 h"."""
    return _in_words(render_context.language(), max(0, int(length.total_seconds())))


@lru_cache(maxsize=4096)
def _in_words(_language: str | None, seconds: int) -> str:
    days, hours = seconds // _DAY, seconds % _DAY // _HOUR
    minutes, rest = seconds % _HOUR // _MINUTE, seconds % _MINUTE
    if days:
        words = ngettext("%(days)d day", "%(days)d days", days) % {"days": days}
        return _with_hours(words, hours)
    if hours:
        names = {"hours": hours, "minutes": minutes}
        return (_("%(hours)d h %(minutes)d min") if minutes else _("%(hours)d h")) % names
    if minutes:
        names = {"minutes": minutes, "seconds": rest}
        return (_("%(minutes)d min %(seconds)d s") if rest else _("%(minutes)d min")) % names
    return _("%(seconds)d s") % {"seconds": rest}


def _with_hours(days: str, hours: int) -> str:
    return _("%(days)s %(hours)d h") % {"days": days, "hours": hours} if hours else days
