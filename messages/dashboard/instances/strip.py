"""Strips of bars that show when an instance was connected, silent or disconnected."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final, Self

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
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
    """A strip as SVG paths. `label` names the period; `lasted` adds up its slots."""

    label: str
    slots: Sequence[Slot]
    lasted: Mapping[Connection, timedelta]

    @classmethod
    def of(cls, label: str, slots: Sequence[Slot]) -> Self:
        lasted: dict[Connection, timedelta] = defaultdict(timedelta)
        for slot in slots:
            for state, length in slot.lasted.items():
                lasted[state] += length
        return cls(label, slots, lasted)

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
        return f"{self.label}: {_words(self.lasted, _TEXTS)}"

    @property
    def problems(self) -> str:
        """Only what was wrong; '' if nothing was."""
        is_wrong = any(state in self.lasted for state in _PROBLEMS)
        return _words(self.lasted, _PROBLEMS) if is_wrong else ""

    @property
    def bars(self) -> list[Bar]:
        """A text for each bar."""
        return [
            Bar(place * (_BAR + _GAP), f"{Moment(slot.since).day}: {_words(slot.lasted, _TEXTS)}")
            for place, slot in enumerate(self.slots)
        ]

    @property
    def drawing(self) -> SafeString:
        """The strip with one text for all bars."""
        return self._drawn(f"<title>{escape(self.words)}</title>", "")

    @property
    def drawing_with_bars(self) -> SafeString:
        """The strip with a text for each bar."""
        bars = (
            f'<rect class="strip-bar" x="{bar.x}" width="{_BAR}" height="{_HEIGHT}">'
            f"<title>{escape(bar.words)}</title></rect>"
            for bar in self.bars
        )
        return self._drawn("", "".join(bars))

    def _drawn(self, before: str, after: str) -> SafeString:
        paths = "".join(
            f'<path class="is-{state.value}" d="{path}"/>' for state, path in self.paths
        )
        width = len(self.slots) * (_BAR + _GAP) - _GAP
        # format_html would double the time, and a list has a hundred strips.
        return mark_safe(  # noqa: S308
            f'<svg class="strip" viewBox="0 0 {width} {_HEIGHT}" role="img"'
            f' aria-label="{escape(self.words)}" preserveAspectRatio="none">'
            f"{before}{paths}{after}</svg>"
        )


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
        Strip.of(_("Last 24 hours"), strip(found, hours)),
        Strip.of(_("Last 30 days"), strip(found, days)),
    )


def _midnights(now: datetime) -> list[datetime]:
    """The starts of the last days in the viewer's time zone, today's last."""
    zone = render_context.zone()
    today = now.astimezone(zone).date()
    dates = (today - timedelta(days=number) for number in range(_DAYS - 1, -1, -1))
    return [datetime.combine(day, time(), zone) for day in dates]


def _pieces(slot: Slot) -> list[tuple[Connection, int, int]]:
    """The state, top and height of each piece of a bar. Problems hang from the top."""
    if len(slot.lasted) == 1:
        (state,) = slot.lasted
        height = _NO_DATA if state is Connection.UNKNOWN else _HEIGHT
        return [(state, _HEIGHT - height, height)]
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


def _words(lasted: Mapping[Connection, timedelta], states: Iterable[Connection]) -> str:
    """The states that occurred, with how long each lasted."""
    found = [state for state in states if state in lasted]
    parts = [_TEXTS[state] % {"length": _in_minutes(lasted[state])} for state in found]
    return ", ".join(parts) or _("connected all the time")


def _in_minutes(length: timedelta) -> str:
    return duration(timedelta(minutes=max(1, length // timedelta(minutes=1))))
