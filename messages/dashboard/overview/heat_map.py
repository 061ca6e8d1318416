"""The heat map: messages by weekday and hour of sending, in the viewer's time zone."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from html import escape
from typing import Final, NamedTuple

from django.utils import timezone
from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.formats import get_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from messages.dashboard.messages.filter_links import Link
from messages.domain import render_context
from messages.domain.durations import zone_label
from messages.search.week_hours import week_hour
from messages.summaries import Cohort, Counts, Histogram, Hour
from messages.summaries.latencies import P95

from .display import Heat
from .funnel import Latency, number, percent
from .parameters import Question
from .value_table import value_table

# In a shorter period the chart of messages over time shows the same hours.
MIN_PERIOD: Final = timedelta(days=2)
LEVELS: Final = 7
# With fewer messages, a share or a time says nothing about an hour.
MIN_MESSAGES: Final = 10
_PHRASES: Final = {
    Heat.READ: gettext_lazy("%(value)s read"),
    Heat.P95: gettext_lazy("95%% within %(value)s"),
}
_PEAKS: Final = {
    Heat.VOLUME: gettext_lazy("Busiest: %(when)s, %(messages)s"),
    Heat.READ: gettext_lazy("Most often read: %(when)s, %(value)s of %(messages)s"),
    Heat.P95: gettext_lazy("Slowest: %(when)s, 95%% of %(messages)s within %(value)s"),
}


class Cell(NamedTuple):
    """The messages of one hour of the week. `value` is None if there are too few of them."""

    messages: int
    value: float | None
    words: str


@dataclass(frozen=True, slots=True)
class HeatMap:
    """`ends` are the places of the cells with the lowest and the highest value.

    `base_url` is the list of all messages in the cells.
    """

    measure: Heat
    cells: Mapping[tuple[int, int], Cell]
    ends: tuple[tuple[int, int], tuple[int, int]] | None
    links: list[Link]
    zone: str
    base_url: str

    @property
    def has_gaps(self) -> bool:
        """Whether some hours have too few messages for a value."""
        return any(cell.value is None for cell in self.cells.values())

    @property
    def scale(self) -> list[Cell]:
        """The cells with the lowest and the highest value; empty if there is no value."""
        return [self.cells[place] for place in self.ends or ()]

    @property
    def peak(self) -> str:
        """A sentence about the hour with the highest value."""
        if self.ends is None:
            return ""
        (day, hour), cell = self.ends[1], self.scale[1]
        # Midnight is also the end of a day.
        when = f"{WEEKDAYS[day]}, {hour:02}:00–{hour + 1:02}:00"
        messages = _message_words(render_context.language(), cell.messages)
        values = {"when": when, "messages": messages, "value": cell.words}
        return _PEAKS[self.measure] % values

    @property
    def numbers(self) -> SafeString:
        """The values of the cells as a table, without links."""
        days = list(_weekdays())
        heads = [(str(WEEKDAYS_ABBR[day]), "") for day in days]
        rows = (
            ("", f"{hour:02}:00", (self._words((day, hour)) for day in days)) for hour in range(24)
        )
        return value_table(_("Hour"), heads, rows)

    def _words(self, place: tuple[int, int]) -> str:
        cell = self.cells.get(place)
        return cell.words if cell and cell.words else "–"

    @property
    def table(self) -> SafeString:
        """The head and the body of the table. Built in Python because it has 168 cells."""
        hours = format_html_join(
            "", '<th scope="col">{}</th>', ((f"{hour:02}",) for hour in range(24))
        )
        days = format_html_join(
            "",
            '<tr><th scope="row">{}</th>{}</tr>',
            ((WEEKDAYS_ABBR[day], self._row(day)) for day in _weekdays()),
        )
        return format_html("<thead><tr><td></td>{}</tr></thead><tbody>{}</tbody>", hours, days)

    def _row(self, day: int) -> SafeString:
        name, url = escape(str(WEEKDAYS[day])), escape(self.base_url)
        cells = (self._cell((day, hour), name, url) for hour in range(24))
        return mark_safe("".join(cells))  # noqa: S308

    def _cell(self, place: tuple[int, int], day_name: str, url: str) -> str:
        """Not with format_html, which takes three times as long, for 168 cells.

        `day_name` and `url` are escaped.
        """
        if place not in self.cells:
            return '<td class=""></td>'
        (day, hour), cell = place, self.cells[place]
        words = _message_words(render_context.language(), cell.messages)
        phrase = _PHRASES.get(self.measure)
        if phrase and cell.words:
            words = f"{words}, {phrase % {'value': cell.words}}"
        return (
            f'<td class="{self._level(cell)}"><a href="{url}&amp;weekday={day}&amp;hour={hour}">'
            f"<span>{day_name}, {hour:02}:00: {escape(words)}</span></a></td>"
        )

    def _level(self, cell: Cell) -> str:
        """The class of the cell's colour, from l1 to the highest of LEVELS."""
        if cell.value is None or self.ends is None:
            return "few"
        lowest, highest = (_value(self.cells[place]) for place in self.ends)
        if self.measure is Heat.VOLUME:
            lowest = 0
        share = (cell.value - lowest) / (highest - lowest) if highest > lowest else 1
        return f"l{max(1, math.ceil(LEVELS * share))}"


def heat_map(question: Question, cohort: Cohort) -> HeatMap | None:
    """None if the period is too short."""
    if question.until - question.since <= MIN_PERIOD:
        return None
    measure, zone = question.display.heat, timezone.get_current_timezone()
    hours: dict[tuple[int, int], list[Hour]] = defaultdict(list)
    for start, one in cohort.hours.items():
        hours[week_hour(start.astimezone(zone))].append(one)
    cells = {place: _cell(measure, found) for place, found in hours.items()}
    links = [
        Link(one.label, question.display_url("heat-map", heat=one), one is measure) for one in Heat
    ]
    scale = sorted(
        (place for place, cell in cells.items() if cell.value is not None),
        key=lambda place: _value(cells[place]),
    )
    return HeatMap(
        measure,
        cells,
        (scale[0], scale[-1]) if scale else None,
        links,
        zone_label(str(zone), timezone.localtime(question.since)),
        question.list_url(("zone", str(zone))),
    )


def _cell(measure: Heat, hours: Sequence[Hour]) -> Cell:
    counts = Counts.total(one.counts for one in hours)
    if measure is Heat.VOLUME:
        return Cell(counts.messages, counts.messages, number(counts.messages))
    if measure is Heat.READ and counts.messages >= MIN_MESSAGES:
        words = percent(counts.read, counts.messages)
        return Cell(counts.messages, counts.read / counts.messages, words)
    times = Histogram.total(one.to_delivered for one in hours)
    length = times.quantile(P95)
    if measure is Heat.P95 and length and times.timed >= MIN_MESSAGES:
        # A logarithm, so that one and two seconds differ as much as one and two hours.
        return Cell(counts.messages, math.log(length.total_seconds()), Latency("", times).p95)
    return Cell(counts.messages, None, "")


# Cached, because most cells change only once a week.
@lru_cache(maxsize=2048)
def _message_words(_language: str | None, count: int) -> str:
    words = ngettext("%(number)s message", "%(number)s messages", count)
    return words % {"number": number(count)}


def _value(cell: Cell) -> float:
    return cell.value or 0


def _weekdays() -> Iterator[int]:
    """The days in the order of this language, whose first day may be Sunday (0 for Django)."""
    first = get_format("FIRST_DAY_OF_WEEK")
    return ((first + day - 1) % 7 for day in range(7))
