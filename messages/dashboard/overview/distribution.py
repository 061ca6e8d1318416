"""The distributions of delivery and reading times, drawn as SVG."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Final

from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from messages.dashboard.messages.filter_links import range_label
from messages.dashboard.shared.moments import duration
from messages.models.summary import LATENCY_EDGES
from messages.search.latency_ranges import LatencyRange
from messages.summaries import Cohort, Histogram
from messages.summaries.latencies import MEDIAN, P95

from .bar_links import bar_links
from .funnel import Latency, number, percent
from .parameters import Question
from .value_table import value_table

WIDTH, HEIGHT = 1000, 160
# One for each edge, and one beyond the last.
_STEP: Final = WIDTH / (len(LATENCY_EDGES) + 1)
_GAP: Final = 0.12
# Where the axis has labels, in seconds.
_LABELLED: Final = (1, 15, 2 * 60, 15 * 60, 2 * 3600, 24 * 3600)


@dataclass(frozen=True, slots=True)
class Bar:
    label: str
    count: int
    share: str
    url: str

    @property
    def number(self) -> str:
        return number(self.count)

    @property
    def words(self) -> str:
        text = ngettext("%(number)s message", "%(number)s messages", self.count)
        return f"{self.label}: {text % {'number': self.number}} ({self.share})"


@dataclass(frozen=True, slots=True)
class Distribution:
    """`tone` is the class with the colour of the bars."""

    title: str | Promise
    tone: str
    histogram: Histogram
    bars: Sequence[Bar]

    @property
    def latency(self) -> Latency:
        return Latency(self.title, self.histogram)

    @property
    def drawing(self) -> SafeString:
        return format_html(
            '<svg class="chart {}" viewBox="0 0 {} {}" preserveAspectRatio="none"'
            ' aria-hidden="true"><path class="bars" d="{}"/>'
            '<path class="typical" d="{}"/><path class="p95" d="{}"/>{}</svg>',
            *(self.tone, WIDTH, HEIGHT, self._path()),
            *(self._mark(MEDIAN), self._mark(P95), self._links()),
        )

    @property
    def axis(self) -> SafeString:
        marks = (
            (f"{100 * (LATENCY_EDGES.index(edge) + 1) * _STEP / WIDTH:.2f}%", _seconds(edge))
            for edge in _LABELLED
        )
        names = format_html_join("", '<text x="{}" y="12">{}</text>', marks)
        return format_html('<svg class="axis" aria-hidden="true">{}</svg>', names)

    @property
    def table(self) -> SafeString:
        """The bars as a table."""
        rows = ((bar.url, bar.label, (bar.number, bar.share)) for bar in self.bars if bar.count)
        heads = [(_("Messages"), ""), (_("Share"), "")]
        return value_table(_("Time"), heads, rows, caption=str(self.title))

    def _path(self) -> str:
        scale = HEIGHT / max(1, *(bar.count for bar in self.bars))
        width = _STEP * (1 - _GAP)
        return "".join(
            f"M{(place + _GAP / 2) * _STEP:.1f} {HEIGHT}"
            # The smallest bars stay visible.
            f"v-{max(1.5, bar.count * scale):.1f}h{width:.1f}V{HEIGHT}z"
            for place, bar in enumerate(self.bars)
            if bar.count
        )

    def _mark(self, share: float) -> str:
        """A vertical line at this quantile."""
        length = self.histogram.quantile(share)
        if length is None:
            return ""
        seconds = length.total_seconds()
        place = bisect_left(LATENCY_EDGES, seconds)
        least = LATENCY_EDGES[place - 1] if place else 0
        part = (seconds - least) / (LATENCY_EDGES[place] - least)
        beyond = 0.5 if self.histogram.is_beyond(share) else 0
        return f"M{(place + part + beyond) * _STEP:.1f} 0v{HEIGHT}"

    def _links(self) -> SafeString:
        bars = enumerate(self.bars)
        return bar_links(
            ((place, bar.url, bar.words) for place, bar in bars if bar.count), _STEP, HEIGHT
        )


def distributions(question: Question, cohort: Cohort) -> list[Distribution]:
    shown = (
        (gettext_lazy("From sent to delivered"), "delivered", cohort.to_delivered),
        (gettext_lazy("From delivered to read"), "read", cohort.to_read),
    )
    return [
        Distribution(title, latency, histogram, _bars(question, latency, histogram))
        for title, latency, histogram in shown
    ]


def _bars(question: Question, latency: str, histogram: Histogram) -> list[Bar]:
    counts = pairwise((0, *histogram.within, histogram.timed))
    limits = pairwise((0, *LATENCY_EDGES, None))
    return [
        Bar(
            range_label(over or 0, within),
            later - earlier,
            percent(later - earlier, histogram.timed),
            question.list_url(LatencyRange(latency, over or 0, within).query()),
        )
        for (over, within), (earlier, later) in zip(limits, counts, strict=True)
    ]


def _seconds(edge: int) -> str:
    return duration(timedelta(seconds=edge))
