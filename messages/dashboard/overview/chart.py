"""The chart of messages per hour or day, drawn as SVG."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from messages.dashboard.shared.moments import Moment
from messages.domain import render_context
from messages.summaries import Cohort, Counts

from .funnel import number
from .parameters import HOUR, Question

# Longer periods are drawn by days.
MAX_HOURS: Final = timedelta(days=8)
WIDTH, HEIGHT = 1000, 160
_GAP: Final = 0.2
# More day names on the axis would overlap.
MAX_LABELS: Final = 10
# Labels beyond this share of the chart's width are right-aligned, so that they are not cut off.
_RIGHT_ALIGNED_FROM: Final = 0.93
# Up to this many hours the axis shows times. For longer periods it shows days.
_MAX_HOUR_LABELS: Final = 48


@dataclass(frozen=True, slots=True)
class Bar:
    """The messages sent from `since` to `until`; fresh if the counts may still change."""

    since: datetime
    until: datetime
    counts: Counts
    is_fresh: bool
    url: str

    @property
    def label(self) -> str:
        moment = Moment(self.since)
        return moment.brief[:-3] if self.until - self.since <= HOUR else moment.day

    @property
    def undelivered(self) -> int:
        return self.counts.messages - self.counts.delivered

    @property
    def unread(self) -> int:
        return self.counts.delivered - self.counts.read

    @property
    def title(self) -> str:
        return _("%(when)s: %(messages)s messages, %(delivered)s delivered, %(read)s read") % {
            "when": self.label,
            "messages": number(self.counts.messages),
            "delivered": number(self.counts.delivered),
            "read": number(self.counts.read),
        }


@dataclass(frozen=True, slots=True)
class Chart:
    bars: tuple[Bar, ...]
    by_hour: bool

    @property
    def highest(self) -> int:
        return max((bar.counts.messages for bar in self.bars), default=0)

    @property
    def peak(self) -> str:
        return _("peak: %(messages)s") % {"messages": number(self.highest)}

    @property
    def axis(self) -> SafeString:
        """Labels for each day, every six hours, or some of the days."""
        ticks = self._ticks()
        # On a narrow screen only every second label is shown, including the last.
        others = set(ticks[-2::-2])
        marks = [
            (*self._position(place), " other" if place in others else "", self._label(place))
            for place in ticks
        ]
        names = format_html_join("", '<text x="{}" y="12" class="{}{}">{}</text>', marks)
        return format_html('<svg class="axis" aria-hidden="true">{}</svg>', names)

    def _position(self, place: int) -> tuple[str, str]:
        """The position and alignment of a label. Near the end it is right-aligned."""
        share = place / len(self.bars)
        return (f"{100 * share:.2f}%", "") if share < _RIGHT_ALIGNED_FROM else ("100%", "end")

    def _ticks(self) -> list[int]:
        """The indexes of the bars with a label.

        If each bar is a day, the last bar always has a label.
        """
        starts = [timezone.localtime(bar.since) for bar in self.bars]
        if not self.by_hour:
            step = -(-len(starts) // MAX_LABELS)
            return list(range(len(starts) - 1, -1, -step))[::-1] if starts else []
        hours = 6 if len(starts) <= _MAX_HOUR_LABELS else 24
        return [n for n, start in enumerate(starts) if start.hour % hours == 0]

    def _label(self, place: int) -> str:
        bar = self.bars[place]
        if len(self.bars) <= _MAX_HOUR_LABELS and self.by_hour:
            return bar.label
        days = [timezone.localtime(moment).date() for moment in (bar.since, render_context.now())]
        return _("Today") if days[0] == days[1] else Moment(bar.since).day

    @property
    def table(self) -> SafeString:
        """The bars as a table. Built in Python because a week has 168 rows."""
        rows = (
            (
                bar.url,
                bar.label,
                *map(number, (bar.counts.messages, bar.counts.delivered, bar.counts.read)),
                number(bar.counts.failed),
                _("not yet") if bar.is_fresh else _("yes"),
            )
            for bar in self.bars
            if bar.counts.messages
        )
        steps = (_("Messages"), _("Delivered"), _("Read"), pgettext("messages", "Failed"))
        names = (_("Time"), *steps, _("Final"))
        return format_html(
            '<table class="table"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>',
            format_html_join("", '<th scope="col">{}</th>', ((name,) for name in names)),
            format_html_join(
                "",
                '<tr><th scope="row"><a href="{}">{}</a></th>'
                '<td class="number">{}</td><td class="number">{}</td>'
                '<td class="number">{}</td><td class="number">{}</td>'
                '<td class="number">{}</td></tr>',
                rows,
            ),
        )

    @property
    def drawing(self) -> SafeString:
        """All bars of a kind are one path, which is smaller than many rectangles."""
        fresh_from = next((n for n, bar in enumerate(self.bars) if bar.is_fresh), len(self.bars))
        shade_at = fresh_from * self._step
        return format_html(
            '<svg class="chart" viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true">'
            '<rect class="unsettled" fill="url(#shade)" x="{}" width="{}" height="{}"/>'
            '<path class="read" d="{}"/><path class="delivered" d="{}"/>'
            '<path class="undelivered" d="{}"/><path class="tick" d="{}"/>{}</svg>',
            *(WIDTH, HEIGHT, _svg_number(shade_at), _svg_number(WIDTH - shade_at), HEIGHT),
            *map(self._path, self._segments()),
            "".join(f"M{_svg_number(place * self._step)} 0v{HEIGHT}" for place in self._ticks()),
            self._links(),
        )

    @property
    def _step(self) -> float:
        return WIDTH / max(1, len(self.bars))

    def _segments(self) -> Iterator[list[tuple[int, int, int]]]:
        """For read, delivered and undelivered: (index, height below, own height) per bar."""
        yield [(n, 0, bar.counts.read) for n, bar in enumerate(self.bars)]
        yield [(n, bar.counts.read, bar.unread) for n, bar in enumerate(self.bars)]
        yield [(n, bar.counts.delivered, bar.undelivered) for n, bar in enumerate(self.bars)]

    def _path(self, segments: Sequence[tuple[int, int, int]]) -> str:
        scale, step = HEIGHT / max(1, self.highest), self._step
        width = step * (1 - _GAP)
        return "".join(
            f"M{place * step + step * _GAP / 2:.1f} {HEIGHT - below * scale:.1f}"
            f"h{width:.1f}v{-own * scale:.1f}h{-width:.1f}z"
            for place, below, own in segments
            if own
        )

    def _links(self) -> SafeString:
        """Links over the full height, so that small bars can be clicked."""
        return format_html_join(
            "",
            '<a href="{}" tabindex="-1"><title>{}</title>'
            '<rect class="hit" x="{}" width="{}" height="{}"/></a>',
            (
                (bar.url, bar.title, _svg_number(n * self._step), _svg_number(self._step), HEIGHT)
                for n, bar in enumerate(self.bars)
                if bar.counts.messages
            ),
        )


def chart(question: Question, cohort: Cohort) -> Chart:
    by_hour = question.until - question.since <= MAX_HOURS
    start_of = dict(_starts(question, by_hour))
    within: dict[datetime, list[Counts]] = {start: [] for start in start_of.values()}
    for hour, one in cohort.hours.items():
        within[start_of[hour]].append(one.counts)
    starts, settled_until = list(within), question.settled_until
    bars = (
        Bar(
            since,
            until,
            Counts.total(within[since]),
            until > settled_until,
            question.hours_url(since, until),
        )
        for since, until in pairwise([*starts, question.until])
    )
    return Chart(tuple(bars), by_hour)


def _starts(question: Question, by_hour: bool) -> Iterator[tuple[datetime, datetime]]:
    """Maps each hour to the first hour of its bar: itself, or the first of the day."""
    hour, until, zone = question.since, question.until, timezone.get_current_timezone()
    start, day = hour, hour.astimezone(zone).date()
    while hour < until:
        today = day if by_hour else hour.astimezone(zone).date()
        if by_hour or today != day:
            start, day = hour, today
        yield hour, start
        hour += HOUR


def _svg_number(length: float) -> str:
    """With a decimal point in every language."""
    return f"{length:.1f}"
