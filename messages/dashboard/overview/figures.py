"""The four figures at the top of the Overview page, and how they changed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, NamedTuple

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from messages.dashboard.shared.moments import duration
from messages.domain.statuses import Status
from messages.summaries import Counts, Histogram, Hour
from messages.summaries.latencies import MEDIAN

from .chart import Bar
from .funnel import number, percent
from .parameters import Question

# More points would show noise.
MAX_POINTS: Final = 30
# A change from fewer messages than this would say little.
MIN_BASELINE: Final = 10
WIDTH, HEIGHT = 100, 24
_SECOND: Final = timedelta(seconds=1)
_MINUTE: Final = 60


@dataclass(frozen=True, slots=True)
class Rate:
    """The share of messages with a status, in percent."""

    count: Callable[[Counts], int]
    rises_when_better: bool

    def value(self, sent: Hour) -> float | None:
        messages = sent.counts.messages
        return 100 * self.count(sent.counts) / messages if messages else None

    def words(self, sent: Hour) -> str:
        return percent(self.count(sent.counts), sent.counts.messages)

    def difference(self, now: float, before: float) -> str:
        """The difference of the rounded values."""
        # Rounded again: the difference of 87.0 and 86.9 is 0.0999…, which would be cut to 0.0.
        points = round(abs(round(now, 1) - round(before, 1)), 1)
        return _("%(number)s points") % {"number": number_format(points, 1)} if points else ""


@dataclass(frozen=True, slots=True)
class TypicalTime:
    """The median time from sent to delivered, in seconds."""

    rises_when_better: bool = False

    def value(self, sent: Hour) -> float | None:
        median = sent.to_delivered.quantile(MEDIAN)
        return median / _SECOND if median is not None else None

    def words(self, sent: Hour) -> str:
        seconds = self.value(sent)
        if seconds is None:
            return "–"
        if sent.to_delivered.is_beyond(MEDIAN):
            return f"> {_duration(seconds)}"
        return _duration(seconds) if seconds >= 1 else f"< {_duration(1)}"

    def difference(self, now: float, before: float) -> str:
        """The difference of the rounded values."""
        seconds = abs(_rounded(now) - _rounded(before))
        return _duration(seconds) if seconds else ""


Measure = Rate | TypicalTime


@dataclass(frozen=True, slots=True)
class Change:
    """How far a figure is from its baseline; `difference` is "" if they are equal."""

    difference: str
    rises: bool
    is_better: bool
    baseline: str

    @property
    def arrow(self) -> str:
        return "▲" if self.rises else "▼"

    @property
    def words(self) -> str:
        """What the arrow and its colour mean, for screen readers."""
        if self.rises:
            return _("better, up by") if self.is_better else _("worse, up by")
        return _("better, down by") if self.is_better else _("worse, down by")


@dataclass(frozen=True, slots=True)
class Figure:
    """`note` explains `value`. `spark` is the path of the sparkline. `change` may be unknown."""

    tone: str
    label: str | Promise
    value: str
    note: str
    url: str
    spark: str
    change: Change | None


_DELIVERED: Final = Rate(lambda counts: counts.delivered, rises_when_better=True)
_READ: Final = Rate(lambda counts: counts.read, rises_when_better=True)
_FAILED: Final = Rate(lambda counts: counts.failed, rises_when_better=False)
_TYPICAL_TIME: Final = TypicalTime()
_OF_DELIVERED: Final = ("reached", Status.RECEIVED.lower())
# What is measured, its colour, and the filter of the list with its messages.
_FIGURES: Final[tuple[tuple[Measure, str, tuple[str, str]], ...]] = (
    (_DELIVERED, "delivered", _OF_DELIVERED),
    (_READ, "read", ("reached", Status.READ.lower())),
    (_FAILED, "failed", ("status", Status.FAILED.lower())),
    (_TYPICAL_TIME, "sent", _OF_DELIVERED),
)


class Parts(NamedTuple):
    """The parts of the period that the sparklines show; `times` is for delivery times.

    Without those that may still change: they would look like a sudden fall or rise.
    """

    counts: Sequence[Hour]
    times: Sequence[Hour]

    @classmethod
    def of(cls, bars: Sequence[Bar], times: Sequence[Histogram] | None) -> "Parts":
        """`times` are the settled delivery times of each day; None if the bars have them."""
        sent = [bar.sent for bar in bars if not bar.is_fresh]
        return cls(sent, sent if times is None else [Hour(Counts(), one) for one in times])

    def points(self, measure: Measure) -> list[Hour]:
        """The messages of neighbouring parts together, if there are many parts."""
        parts = self.times if measure is _TYPICAL_TIME else self.counts
        step = -(-len(parts) // MAX_POINTS) or 1
        return [Hour.total(parts[start : start + step]) for start in range(0, len(parts), step)]


def figures(
    question: Question, sent: Hour, baseline: Hour, parts: Parts, *, reads_known: bool
) -> list[Figure]:
    """`baseline` are the messages of the previous period, or those to compare with."""
    counts = sent.counts
    whole = number(counts.messages)
    delivered = _("%(part)s of %(whole)s") % {"part": number(counts.delivered), "whole": whole}
    read = _("at least %(part)s of %(whole)s") % {"part": number(counts.read), "whole": whole}
    failed = _("%(share)s of messages") % {"share": _FAILED.words(sent)}
    labels = (
        _("Delivered"),
        _("Read"),
        pgettext("messages", "Failed"),
        _("Typical delivery time"),
    )
    values = (
        _DELIVERED.words(sent),
        _READ.words(sent),
        number(counts.failed),
        _TYPICAL_TIME.words(sent),
    )
    notes = (delivered, read, failed, _("half of the messages, estimated"))
    found = [
        Figure(
            *(tone, label, value, note),
            question.list_url(link),
            _spark(parts.points(measure), measure),
            _change(measure, sent, baseline),
        )
        for (measure, tone, link), label, value, note in zip(
            _FIGURES, labels, values, notes, strict=True
        )
    ]
    return found if reads_known else [_unknown(one) if one.tone == "read" else one for one in found]


def _unknown(figure: Figure) -> Figure:
    return replace(
        figure, value=_("Unknown"), note=_("read receipts are off"), spark="", change=None
    )


def _spark(points: Sequence[Hour], measure: Measure) -> str:
    """A line through the values that are known."""
    known = [
        (place, value)
        for place, one in enumerate(points)
        if (value := measure.value(one)) is not None
    ]
    if len(known) < 2:
        return ""
    lowest, highest = min(value for _n, value in known), max(value for _n, value in known)
    across, up = WIDTH / (len(points) - 1), HEIGHT / ((highest - lowest) or 1)
    places = (
        f"{place * across:.1f} {HEIGHT - (value - lowest) * up:.1f}" for place, value in known
    )
    return "M" + "L".join(places)


def _change(measure: Measure, sent: Hour, baseline: Hour) -> Change | None:
    now, before = measure.value(sent), measure.value(baseline)
    if now is None or before is None or baseline.counts.messages < MIN_BASELINE:
        return None
    rises = now > before
    return Change(
        measure.difference(now, before),
        rises,
        rises is measure.rises_when_better,
        measure.words(baseline),
    )


def _duration(seconds: float) -> str:
    return duration(timedelta(seconds=_rounded(seconds)))


def _rounded(seconds: float) -> int:
    """Whole seconds, or from two minutes whole minutes, as in the distribution."""
    return int(seconds) if seconds < 2 * _MINUTE else round(seconds / _MINUTE) * _MINUTE
