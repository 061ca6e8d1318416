"""Strips of bars that show when an instance was connected, silent or disconnected."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from messages.dashboard.shared.moments import Moment, duration
from messages.domain import render_context
from messages.incidents.connection_history import Connection, Slot, Spell, spells_of, strip
from messages.models import Instance

_DAYS: Final = 30
_BAR, _GAP, _HEIGHT = 5, 2, 24
# A short problem must still be visible.
_MIN_PROBLEM: Final = 8
_NO_DATA: Final = 6
_PROBLEMS: Final = (Connection.DISCONNECTED, Connection.SILENT)
_TEXTS: Final[dict[Connection, Promise]] = {
    Connection.DISCONNECTED: gettext_lazy("disconnected %(length)s"),
    Connection.SILENT: gettext_lazy("no callbacks for %(length)s"),
    Connection.UNKNOWN: gettext_lazy("no data for %(length)s"),
}


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a strip: its place, and its text."""

    x: int
    words: str


@dataclass(frozen=True, slots=True)
class Strip:
    """A strip as SVG paths. `label` names the period."""

    label: str
    slots: Sequence[Slot]

    @property
    def width(self) -> int:
        return len(self.slots) * (_BAR + _GAP) - _GAP

    @property
    def height(self) -> int:
        return _HEIGHT

    @property
    def bar_width(self) -> int:
        return _BAR

    @property
    def paths(self) -> list[tuple[Connection, str]]:
        """One path for each state, because a list has hundreds of bars."""
        drawn: dict[Connection, list[str]] = {state: [] for state in Connection}
        for place, slot in enumerate(self.slots):
            for state, top, height in _pieces(slot):
                drawn[state].append(f"M{place * (_BAR + _GAP)} {top}h{_BAR}v{height}h-{_BAR}z")
        return [(state, "".join(parts)) for state, parts in drawn.items() if parts]

    @property
    def words(self) -> str:
        """All problems, for people who cannot see the bars."""
        return f"{self.label}: {_words(self.slots, (*_PROBLEMS, Connection.UNKNOWN))}"

    @property
    def problems(self) -> str:
        """Only what was wrong; '' if nothing was."""
        return _words(self.slots, _PROBLEMS) if _total(self.slots, *_PROBLEMS) else ""

    @property
    def bars(self) -> list[Bar]:
        """A text for each bar."""
        shown = (*_PROBLEMS, Connection.UNKNOWN)
        return [
            Bar(place * (_BAR + _GAP), f"{Moment(slot.since).day}: {_words([slot], shown)}")
            for place, slot in enumerate(self.slots)
        ]


def strips_of(instances: Sequence[Instance]) -> dict[int, tuple[Strip, Strip]]:
    """Return the strips of 24 hours and of 30 days, by instance. One query."""
    now = timezone.now()
    hours = [now - timedelta(hours=number) for number in range(24, -1, -1)]
    days = [*_midnights(now), now]
    spells = spells_of(instances, days[0], now)
    return {pk: _strips(found, hours, days) for pk, found in spells.items()}


def _strips(
    spells: Iterable[Spell], hours: Sequence[datetime], days: Sequence[datetime]
) -> tuple[Strip, Strip]:
    found = list(spells)
    return (
        Strip(_("Last 24 hours"), strip(found, hours)),
        Strip(_("Last 30 days"), strip(found, days)),
    )


def _midnights(now: datetime) -> list[datetime]:
    """The starts of the last days in the viewer's time zone, today's last."""
    zone = render_context.zone()
    today = now.astimezone(zone).date()
    dates = (today - timedelta(days=number) for number in range(_DAYS - 1, -1, -1))
    return [datetime.combine(day, time(), zone) for day in dates]


def _pieces(slot: Slot) -> list[tuple[Connection, int, int]]:
    """The state, top and height of each piece of a bar. Problems hang from the top."""
    if slot.lasted.keys() == {Connection.UNKNOWN}:
        return [(Connection.UNKNOWN, _HEIGHT - _NO_DATA, _NO_DATA)]
    pieces, top = [], 0
    for state in _PROBLEMS:
        if share := slot.share(state):
            height = min(_HEIGHT - top, max(_MIN_PROBLEM, round(_HEIGHT * share)))
            pieces.append((state, top, height))
            top += height
    if top < _HEIGHT:
        rest = Connection.CONNECTED if Connection.CONNECTED in slot.lasted else pieces[-1][0]
        pieces.append((rest, top, _HEIGHT - top))
    return pieces


def _words(slots: Iterable[Slot], states: Iterable[Connection]) -> str:
    among = list(slots)
    totals = [(state, _total(among, state)) for state in states]
    parts = [_TEXTS[state] % {"length": _in_minutes(total)} for state, total in totals if total]
    return ", ".join(parts) or _("connected all the time")


def _in_minutes(length: timedelta) -> str:
    return duration(timedelta(minutes=max(1, length // timedelta(minutes=1))))


def _total(slots: Iterable[Slot], *states: Connection) -> timedelta:
    lengths = (slot.lasted.get(state, timedelta()) for slot in slots for state in states)
    return sum(lengths, timedelta())
