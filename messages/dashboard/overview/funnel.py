"""The delivery funnel."""

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Final

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from messages.dashboard.messages.filter_links import list_url
from messages.dashboard.shared.moments import duration
from messages.domain import render_context
from messages.domain.statuses import Status
from messages.summaries import Cohort, Counts, Histogram
from messages.summaries.latencies import MEDIAN, P95

from .parameters import Question

_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Step:
    """A bar of the funnel; `status` is None for all messages, including failed ones.

    `fresh` counts those of the last 24 hours, which may still change. The number of reads may be
    unknown.
    """

    status: Status | None
    label: str | Promise
    count: int
    fresh: int
    first: int
    previous: int
    url: str
    is_known: bool

    @property
    def words(self) -> str:
        """Reads are a minimum: people with read receipts off are never reported."""
        if not self.is_known:
            return _("unknown")
        return f"{number(self.count)}+" if self.status is Status.READ else number(self.count)

    @property
    def fresh_words(self) -> str:
        return number(self.fresh) if self.is_known else "–"

    @property
    def of_first(self) -> str:
        return percent(self.count, self.first) if self.is_known else "–"

    @property
    def of_previous(self) -> str:
        return percent(self.count, self.previous) if self.is_known else "–"

    @property
    def settled_width(self) -> str:
        return _width(self.count - self.fresh, self.first)

    @property
    def fresh_width(self) -> str:
        return _width(self.fresh, self.first)


@dataclass(frozen=True, slots=True)
class Aside:
    """A count below the funnel: messages that stopped at a step."""

    label: str | Promise
    icon: str
    count: int
    url: str

    @property
    def words(self) -> str:
        return number(self.count)


@dataclass(frozen=True, slots=True)
class Latency:
    label: str | Promise
    histogram: Histogram

    @property
    def median(self) -> str:
        return self._words(MEDIAN)

    @property
    def p95(self) -> str:
        return self._words(P95)

    @property
    def timed(self) -> str:
        return number(self.histogram.timed)

    def _words(self, share: float) -> str:
        length = self.histogram.quantile(share)
        if length is None:
            return ""
        if self.histogram.is_beyond(share):
            return _("more than %(duration)s") % {"duration": duration(length)}
        if length < _SECOND:
            return _("less than %(duration)s") % {"duration": duration(_SECOND)}
        return _("about %(duration)s") % {"duration": duration(_rounded(length))}


def funnel(question: Question, cohort: Cohort, *, reads_known: bool) -> list[Step]:
    everything, fresh = cohort.counts, _fresh(question, cohort)
    count_names = {
        None: "messages",
        Status.DISPATCHED: "dispatched",
        Status.SENT: "sent",
        Status.RECEIVED: "delivered",
        Status.READ: "read",
    }
    steps: list[Step] = []
    for status, name in count_names.items():
        count = getattr(everything, name)
        steps.append(
            Step(
                status,
                status.label if status else _("Messages"),
                count,
                getattr(fresh, name),
                first=steps[0].count if steps else count,
                previous=steps[-1].count if steps else count,
                url=question.list_url(*([("reached", status.lower())] if status else [])),
                is_known=reads_known or status is not Status.READ,
            )
        )
    return steps


def asides(question: Question, counts: Counts, *, stuck: int) -> list[Aside]:
    """`stuck` is the current number, independent of the period."""
    counted = (
        (_("Waiting to be sent"), Status.DISPATCHED, counts.waiting_to_send),
        (_("Waiting for delivery"), Status.SENT, counts.waiting_to_deliver),
        (pgettext("messages", "Failed"), Status.FAILED, counts.failed),
        (_("No read confirmation"), Status.RECEIVED, counts.delivered - counts.read),
    )
    of_now = Aside(_("Stuck, last 24 hours"), "stuck", stuck, list_url(question.stuck))
    return [
        *(
            Aside(label, status.icon, count, question.list_url(("status", status.lower())))
            for label, status, count in counted
        ),
        of_now,
    ]


def number(count: int) -> str:
    return _number(render_context.language(), count)


# Cached: the Overview shows a thousand numbers, most of them more than once.
@lru_cache(maxsize=4096)
def _number(_language: str | None, count: int) -> str:
    return str(number_format(count, force_grouping=True))


def percent(part: int, whole: int) -> str:
    """A percentage with one decimal place. It is 100 % only for the whole and 0 % only for zero."""
    if not whole:
        return ""
    share = round(100 * part / whole, 1)
    if 0 < part < whole:
        share = min(max(share, 0.1), 99.9)
    return _percent(render_context.language(), share, 0 if part in (0, whole) else 1)


@lru_cache(maxsize=2048)
def _percent(_language: str | None, share: float, decimals: int) -> str:
    return _("%(number)s%%") % {"number": number_format(share, decimals)}


def _fresh(question: Question, cohort: Cohort) -> Counts:
    hours, settled_until = cohort.hours.items(), question.settled_until
    return Counts.total(one.counts for hour, one in hours if hour >= settled_until)


def _rounded(length: timedelta) -> timedelta:
    """Round times of two minutes or more to whole minutes: the counts are not more exact."""
    minutes = timedelta(minutes=round(length / timedelta(minutes=1)))
    return length if minutes < timedelta(minutes=2) else minutes


def _width(part: int, whole: int) -> str:
    """A width in percent for SVG: with a decimal point in every language."""
    return f"{100 * part / whole if whole else 0:.2f}%"
