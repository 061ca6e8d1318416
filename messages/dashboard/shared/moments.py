"""Times in words.

Lists show when something happened: the clock time today, "Yesterday 22:41", then the date. Details
are exact, to the second. Only what should happen all the time, such as a callback or a heartbeat,
is shown as "5 min ago" (`relative`), because there the question is whether it still happens.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from messages.domain import render_context
from messages.domain.durations import duration

__all__ = ["Moment", "between", "duration", "moment", "relative"]

_MINUTE, _DAY = 60, 86400
_CLOCK: Final = "{clock}"
_with_years: ContextVar[bool] = ContextVar("with_years", default=False)


@dataclass(frozen=True, slots=True)
class Moment:
    """One time as `{% moment %}` shows it, in the viewer's zone."""

    value: datetime

    @property
    def iso(self) -> str:
        return _local(self.value).isoformat(timespec="seconds")

    @property
    def exact(self) -> str:
        return self.iso_and_exact[1]

    @property
    def iso_and_exact(self) -> tuple[str, str]:
        """Both texts together. This is faster for lists with hundreds of times."""
        local = _local(self.value)
        iso = local.isoformat(timespec="seconds")
        dated = _dated(render_context.language(), local.date(), True)
        return iso, dated.replace(_CLOCK, _clock_of(iso))

    @property
    def brief(self) -> str:
        local = _local(self.value)
        dated = _dated(render_context.language(), local.date(), _shows_year(local))
        return dated.replace(_CLOCK, _clock_of(local.isoformat(timespec="seconds")))

    @property
    def to_the_minute(self) -> str:
        """The day and the time, short enough for a range."""
        return f"{self.day}, {self.minute}"

    @property
    def clock(self) -> str:
        return _clock_of(self.iso)

    @property
    def day(self) -> str:
        """The day. It includes the year if that is not the current year, or inside with_years()."""
        local = _local(self.value)
        return _day(render_context.language(), local.date(), _shows_year(local))

    @property
    def date(self) -> date:
        return _local(self.value).date()

    @property
    def minute(self) -> str:
        return self.iso[11:16]

    @property
    def listed(self) -> str:
        """The time as lists show it: "22:41", "Yesterday 22:41" or "27 Nov"."""
        days = (Moment(render_context.now()).date - self.date).days
        if days == 0:
            return self.minute
        return _yesterday_at(render_context.language(), self.minute) if days == 1 else self.day

    @property
    def in_sentence(self) -> str:
        """For the middle of a sentence: "22:41", "yesterday at 22:41" or "27 Nov, 22:41"."""
        days = (Moment(render_context.now()).date - self.date).days
        if days == 0:
            return self.minute
        return (
            _("yesterday at %(clock)s") % {"clock": self.minute}
            if days == 1
            else self.to_the_minute
        )

    @property
    def heading(self) -> str:
        """The day as the heading of a list: "Today", "Yesterday" or "Friday, 27 November"."""
        today = Moment(render_context.now()).date
        return _heading(render_context.language(), self.date, today)

    @property
    def relative(self) -> str:
        return relative(self.value, render_context.now())


def moment(value: datetime | None) -> Moment | None:
    return Moment(value) if value else None


@contextmanager
def with_years() -> Iterator[None]:
    """Inside this block every date includes its year.

    Used for text that may be read in a later year.
    """
    token = _with_years.set(True)
    try:
        yield
    finally:
        _with_years.reset(token)


def relative(value: datetime, now: datetime) -> str:
    """How long ago `value` was, in words. After more than a week it is the date."""
    seconds = int((now - value).total_seconds())
    if seconds < -_MINUTE or seconds >= 7 * _DAY:
        return Moment(value).day
    return _ago(render_context.language(), seconds // _MINUTE)


# Cached: a list formats hundreds of times, but there are few different results.
@lru_cache(maxsize=512)
def _ago(_language: str | None, minutes: int) -> str:
    if minutes < 1:
        return _("just now")
    if minutes < 60:
        return _("%(minutes)d min ago") % {"minutes": minutes}
    hours = minutes // 60
    if hours < 24:
        return _("%(hours)d h ago") % {"hours": hours}
    days = hours // 24
    return ngettext("%(days)d day ago", "%(days)d days ago", days) % {"days": days}


def between(before: datetime, after: datetime) -> timedelta:
    """The difference between two times. Both are cut to whole seconds, as pages show them."""
    return after.replace(microsecond=0) - before.replace(microsecond=0)


# Cached: Django is slow at formatting dates, and the hundreds of times on a page are on few
# different days.
@lru_cache(maxsize=512)
def _day(_language: str | None, day: date, with_year: bool) -> str:
    pattern = pgettext("date format", "j M Y") if with_year else pgettext("date format", "j M")
    return date_format(day, pattern, use_l10n=False)


@lru_cache(maxsize=512)
def _yesterday_at(_language: str | None, clock: str) -> str:
    return _("Yesterday %(clock)s") % {"clock": clock}


@lru_cache(maxsize=512)
def _heading(_language: str | None, day: date, today: date) -> str:
    if day == today:
        return _("Today")
    if day == today - timedelta(days=1):
        return _("Yesterday")
    is_this_year = day.year == today.year
    pattern = (
        pgettext("date format", "l, j F") if is_this_year else pgettext("date format", "l, j F Y")
    )
    return date_format(day, pattern, use_l10n=False)


@lru_cache(maxsize=512)
def _dated(language: str | None, day: date, with_year: bool) -> str:
    """The day in words, with a placeholder for the time."""
    words = {"day": _day(language, day, with_year), "clock": _CLOCK}
    return pgettext("a time", "%(day)s, %(clock)s") % words


def _shows_year(local: datetime) -> bool:
    return _with_years.get() or local.year != _local(render_context.now()).year


def _local(value: datetime) -> datetime:
    return value.astimezone(render_context.zone())


def _clock_of(iso: str) -> str:
    return iso[11:19]
