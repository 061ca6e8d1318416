"""The chart of messages over time, drawn as SVG."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from itertools import chain, pairwise
from typing import Final

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from messages.dashboard.shared.moments import Moment
from messages.domain import render_context
from messages.summaries import Counts, Hour

from .bar_links import bar_links
from .funnel import number, percent
from .parameters import HOUR, Question, minute, span_label
from .value_table import value_table

Hours = Mapping[datetime, Hour]

DAY: Final = timedelta(days=1)
WIDTH, HEIGHT = 1000, 300
_GAP: Final = 0.2
# More labels on the time axis would overlap.
MAX_LABELS: Final = 10
# Labels this close to an end of the chart are aligned with it, so that they are not cut off.
_NEAR_END: Final = 0.05
# Up to this length the time axis shows hours.
_MAX_HOUR_LABELS: Final = timedelta(days=2)
_GRID_LINES: Final = 4
_STEPS: Final = (1, 2, 5, 10)


class Grain(Enum):
    """How long a bar is, and the longest period with such bars. More would be too thin to click."""

    HOUR = HOUR
    PART_OF_DAY = 3 * HOUR
    DAY = DAY
    WEEK = 7 * DAY

    @property
    def longest(self) -> timedelta:
        return _LONGEST.get(self, timedelta.max)

    @property
    def title(self) -> str:
        match self:
            case Grain.HOUR:
                return _("Messages per hour")
            case Grain.PART_OF_DAY:
                return _("Messages per 3 hours")
            case Grain.DAY:
                return _("Messages per day")
            case Grain.WEEK:
                return _("Messages per week")

    @classmethod
    def of(cls, question: Question) -> "Grain":
        length = question.until - question.since
        return next(grain for grain in cls if length <= grain.longest)

    def start(self, hour: datetime) -> tuple[object, ...]:
        """Hours with the same value are in the same bar. In the viewer's zone; a week is ISO's."""
        local = hour.astimezone(render_context.zone())
        match self:
            case Grain.HOUR:
                return (hour,)
            case Grain.PART_OF_DAY:
                return local.date(), local.hour // 3
            case Grain.DAY:
                return (local.date(),)
            case Grain.WEEK:
                return local.isocalendar()[:2]


_LONGEST: Final = {
    Grain.HOUR: timedelta(days=3),
    Grain.PART_OF_DAY: timedelta(days=10),
    Grain.DAY: timedelta(days=100),
}


@dataclass(frozen=True, slots=True)
class Layer:
    """A part of each bar: a status, in its colour. The layers are stacked in this order."""

    tone: str
    label: str | Promise
    count: Callable[[Counts], int]


LAYERS: Final = (
    Layer("read", gettext_lazy("Read"), lambda counts: counts.read),
    Layer("delivered", gettext_lazy("Delivered"), lambda counts: counts.delivered - counts.read),
    Layer(
        "waiting",
        gettext_lazy("Not delivered"),
        lambda counts: counts.messages - counts.delivered - counts.failed,
    ),
    Layer("failed", pgettext_lazy("messages", "Failed"), lambda counts: counts.failed),
)


@dataclass(frozen=True, slots=True)
class Bar:
    """The messages sent from `since` to `until`; fresh if the counts may still change."""

    since: datetime
    until: datetime
    sent: Hour
    compared: int
    is_fresh: bool
    url: str
    label: str

    @property
    def counts(self) -> Counts:
        return self.sent.counts

    @property
    def title(self) -> str:
        words = _("%(when)s: %(messages)s messages, %(delivered)s delivered, %(read)s read")
        return words % {
            "when": self.label,
            "messages": number(self.counts.messages),
            "delivered": number(self.counts.delivered),
            "read": number(self.counts.read),
        }


@dataclass(frozen=True, slots=True)
class Scale:
    """The grid lines: how many there are above 0, and the messages from one to the next."""

    step: int
    lines: int

    @classmethod
    def up_to(cls, highest: int) -> "Scale":
        """With steps of 1, 2 or 5 times a power of ten."""
        wanted, power = max(1, highest) / _GRID_LINES, 1
        while power * _STEPS[-1] < wanted:
            power *= 10
        step = next(power * step for step in _STEPS if power * step >= wanted)
        return cls(step, max(1, -(-highest // step)))

    def height(self, messages: int) -> float:
        return HEIGHT * messages / (self.lines * self.step)


@dataclass(frozen=True, slots=True)
class Chart:
    """`comparison` is the name of what the dashed line shows; "" without it."""

    bars: tuple[Bar, ...]
    grain: Grain
    scale: Scale
    comparison: str

    @property
    def layers(self) -> tuple[Layer, ...]:
        return LAYERS

    @property
    def has_fresh(self) -> bool:
        return any(bar.is_fresh for bar in self.bars)

    @property
    def scale_labels(self) -> list[str]:
        """From the top."""
        return [number(line * self.scale.step) for line in range(self.scale.lines, -1, -1)]

    @property
    def starts(self) -> str:
        """For the script: the start of each bar, and the end of the last."""
        moments = [bar.since for bar in self.bars] + [bar.until for bar in self.bars[-1:]]
        return " ".join(map(minute, moments))

    @property
    def drawing(self) -> SafeString:
        """All parts of a kind are one path, which is smaller than many rectangles."""
        return format_html(
            '<svg class="bars" viewBox="0 0 {} {}" preserveAspectRatio="none">'
            '<path class="grid" d="{}"/>{}{}<path class="compared" d="{}"/>{}</svg>',
            *(WIDTH, HEIGHT, self._grid()),
            format_html('<g class="settled">{}</g>', self._parts(is_fresh=False)),
            format_html('<g class="fresh">{}</g>', self._parts(is_fresh=True)),
            self._compared_line() if self.comparison else "",
            self._links(),
        )

    @property
    def axis(self) -> SafeString:
        ticks = self._ticks()
        # On a narrow screen only every second label is shown, including the last.
        others = set(ticks[-2::-2])
        marks = (
            (*self._position(place), " other" if place in others else "", self._tick_label(place))
            for place in ticks
        )
        names = format_html_join("", '<text x="{}%" y="14" class="{}{}">{}</text>', marks)
        return format_html('<svg class="axis" aria-hidden="true">{}</svg>', names)

    @property
    def table(self) -> SafeString:
        """The bars as a table."""
        heads = [
            (_("Messages"), ""),
            (_("Delivered"), "delivered"),
            (_("Read"), "read"),
            (pgettext("messages", "Failed"), "failed"),
        ]
        if self.comparison:
            heads.append((self.comparison, "compared"))
        heads.append((_("Final"), ""))
        rows = ((bar.url, bar.label, self._numbers(bar)) for bar in self._clickable)
        return value_table(_("Time"), heads, rows)

    @property
    def _clickable(self) -> Iterator[Bar]:
        return (bar for bar in self.bars if bar.counts.messages)

    def _numbers(self, bar: Bar) -> Iterator[str]:
        everything = bar.counts.messages
        yield number(everything)
        for count in (bar.counts.delivered, bar.counts.read, bar.counts.failed):
            yield f"{number(count)} ({percent(count, everything)})" if count else "0"
        if self.comparison:
            yield number(bar.compared)
        yield _("not yet") if bar.is_fresh else _("yes")

    @property
    def _step(self) -> float:
        return WIDTH / max(1, len(self.bars))

    def _grid(self) -> str:
        heights = (HEIGHT * line / self.scale.lines for line in range(self.scale.lines + 1))
        return "".join(f"M0 {_svg_number(height)}h{WIDTH}" for height in heights)

    def _parts(self, *, is_fresh: bool) -> SafeString:
        below = [0] * len(self.bars)
        paths: list[tuple[str, str]] = []
        for layer in LAYERS:
            parts = []
            for place, bar in enumerate(self.bars):
                own = layer.count(bar.counts)
                if own > 0 and bar.is_fresh is is_fresh:
                    parts.append((place, below[place], own))
                below[place] += max(0, own)
            paths.append((layer.tone, self._path(parts)))
        return format_html_join("", '<path class="{}" d="{}"/>', (p for p in paths if p[1]))

    def _path(self, parts: Sequence[tuple[int, int, int]]) -> str:
        """Rectangles, from (place of the bar, messages below, own messages)."""
        step, width = self._step, self._step * (1 - _GAP)
        return "".join(
            f"M{place * step + step * _GAP / 2:.1f} {HEIGHT - self.scale.height(below):.1f}"
            f"h{width:.1f}v{-self.scale.height(own):.1f}h{-width:.1f}z"
            for place, below, own in parts
        )

    def _compared_line(self) -> str:
        heights = [HEIGHT - self.scale.height(bar.compared) for bar in self.bars]
        steps = "".join(f"V{height:.1f}h{self._step:.2f}" for height in heights)
        return f"M0 {heights[0]:.1f}{steps}" if heights else ""

    def _links(self) -> SafeString:
        bars = enumerate(self.bars)
        links = ((place, bar.url, bar.title) for place, bar in bars if bar.counts.messages)
        return bar_links(links, self._step, HEIGHT)

    def _position(self, place: int) -> tuple[str, str]:
        """The position and alignment of a label: below its bar, or at the start of its hour."""
        share = (place + (0.5 if self.grain.value >= DAY else 0)) / len(self.bars)
        if share < _NEAR_END:
            return "0", "start"
        return ("100", "end") if share > 1 - _NEAR_END else (_svg_number(100 * share), "")

    def _ticks(self) -> list[int]:
        """The indexes of the bars with a label: midnights, every six hours, or some of the days.

        If each bar is a day or longer, the last bar always has a label.
        """
        if self.grain.value >= DAY:
            step = -(-len(self.bars) // MAX_LABELS)
            return list(range(len(self.bars) - 1, -1, -step))[::-1]
        starts = [timezone.localtime(bar.since) for bar in self.bars]
        hours = 6 if self._shows_hours else 24
        return [place for place, start in enumerate(starts) if start.hour % hours == 0]

    @property
    def _shows_hours(self) -> bool:
        return self.bars[-1].until - self.bars[0].since <= _MAX_HOUR_LABELS

    def _tick_label(self, place: int) -> str:
        start = timezone.localtime(self.bars[place].since)
        if start.hour and self.grain.value < DAY:
            return f"{start:%H:%M}"
        if self.grain is not Grain.WEEK and start.date() == _today():
            return _("Today")
        return Moment(start).day


def chart(question: Question, hours: Hours, compared: Hours, comparison: str) -> Chart:
    """`compared` are the hours of the question's comparison, named `comparison`."""
    grain = Grain.of(question)
    within: dict[tuple[object, ...], list[datetime]] = {}
    for hour in _hours(question):
        within.setdefault(grain.start(hour), []).append(hour)
    starts = [of_bar[0] for of_bar in within.values()]
    earlier = question.compared_back
    bars = []
    for of_bar, (since, until) in zip(
        within.values(), pairwise([*starts, question.until]), strict=True
    ):
        sent = Hour.total(hours[hour] for hour in of_bar if hour in hours)
        before = (compared.get(hour - earlier) for hour in of_bar)
        bars.append(
            Bar(
                since,
                until,
                sent,
                compared=sum(one.counts.messages for one in before if one),
                is_fresh=until > question.settled_until,
                url=question.hours_url(since, until),
                label=_bar_label(grain, since, until),
            )
        )
    highest = max(chain(*((bar.counts.messages, bar.compared) for bar in bars)), default=0)
    return Chart(tuple(bars), grain, Scale.up_to(highest), comparison)


def _hours(question: Question) -> Iterator[datetime]:
    hour, until = question.since, question.until
    while hour < until:
        yield hour
        hour += HOUR


def _bar_label(grain: Grain, since: datetime, until: datetime) -> str:
    match grain:
        case Grain.HOUR:
            return Moment(since).brief[:-3]
        case Grain.DAY:
            return Moment(since).day
        case _:
            return span_label(since, until)


def _today() -> object:
    return timezone.localtime(render_context.now()).date()


def _svg_number(length: float) -> str:
    """With a decimal point in every language."""
    return f"{length:.1f}"
