"""The funnel, the latencies and the instances with the lowest delivery rate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from messages.accounts.scope import Viewer, limited_to
from messages.dashboard.messages.filter_links import list_url, reason_label
from messages.dashboard.shared.moments import duration
from messages.domain.failures import FAILURES, Failure
from messages.domain.statuses import Status
from messages.models import Instance
from messages.search.querysets import Order, message_set
from messages.summaries import Cohort, Counts, Histogram, Slice
from messages.summaries.latencies import MEDIAN, P95

from .parameters import Question

# With fewer messages, a rate says nothing about an instance.
MIN_MESSAGES: Final = 20
WORST_SHOWN: Final = 10
REASONS_SHOWN: Final = 10
_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Step:
    """A bar of the funnel; `status` is None for all messages, including failed ones.

    `fresh` counts those of the last 24 hours, which may still change.
    """

    status: Status | None
    label: str | Promise
    count: int
    fresh: int
    first: int
    previous: int
    url: str

    @property
    def words(self) -> str:
        return number(self.count)

    @property
    def fresh_words(self) -> str:
        return number(self.fresh)

    @property
    def of_first(self) -> str:
        return percent(self.count, self.first)

    @property
    def of_previous(self) -> str:
        return percent(self.count, self.previous)

    @property
    def is_at_least(self) -> bool:
        """Reads are a minimum: people with read receipts off are never reported."""
        return self.status is Status.READ

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


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """How many messages failed for a reason, and their share of all that failed."""

    code: str
    count: str
    share: str
    url: str

    @property
    def label(self) -> str:
        return reason_label(self.code)

    @property
    def failure(self) -> Failure | None:
        return FAILURES.get(self.code)


@dataclass(frozen=True, slots=True)
class WorstRow:
    instance: Instance
    slice: Slice
    url: str

    @property
    def messages(self) -> str:
        return number(self.slice.counts.messages)

    @property
    def delivered(self) -> str:
        return percent(self.slice.counts.delivered, self.slice.counts.messages)

    @property
    def failed(self) -> str:
        return percent(self.slice.counts.failed, self.slice.counts.messages)

    @property
    def latency(self) -> Latency:
        return Latency("", self.slice.to_delivered)


def funnel(question: Question, cohort: Cohort) -> list[Step]:
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
    of_now = Aside(_("Stuck now"), "stuck", stuck, list_url(question.stuck))
    return [
        *(
            Aside(label, status.icon, count, question.list_url(("status", status.lower())))
            for label, status, count in counted
        ),
        of_now,
    ]


def latencies(cohort: Cohort) -> list[Latency]:
    return [
        Latency(gettext_lazy("From sent to delivered"), cohort.to_delivered),
        Latency(gettext_lazy("From delivered to read"), cohort.to_read),
    ]


def worst(
    question: Question, slices: Sequence[Slice], instances: Mapping[int, Instance]
) -> list[WorstRow]:
    """The instances with the lowest delivery rate, of those with undelivered messages."""
    poor = [
        one
        for one in slices
        if one.counts.messages >= MIN_MESSAGES
        and one.counts.delivered < one.counts.messages
        and one.instance_id in instances
    ]
    poor.sort(key=lambda one: one.counts.delivered / one.counts.messages)
    return [
        WorstRow(instances[one.instance_id], one, question.list_url(instance=one.instance_id))
        for one in poor[:WORST_SHOWN]
    ]


def reasons(question: Question, user: Viewer) -> list[ReasonRow]:
    """The most frequent reasons for failures, from an index that has all that is counted."""
    failed = limited_to(user, message_set()).filter(
        started_at__gte=question.since, started_at__lt=question.until
    )
    if question.instance is not None:
        failed = failed.of_instances([question.instance], Order.SENT)
    counts = failed.of_kinds(question.kinds).failure_counts()
    total = sum(count for _code, count in counts)
    return [
        ReasonRow(code, number(count), percent(count, total), question.list_url(("reason", code)))
        for code, count in counts[:REASONS_SHOWN]
    ]


def number(count: int) -> str:
    return str(number_format(count, force_grouping=True))


def percent(part: int, whole: int) -> str:
    """A percentage with one decimal place. It is 100 % only for the whole and 0 % only for zero."""
    if not whole:
        return ""
    share = round(100 * part / whole, 1)
    if 0 < part < whole:
        share = min(max(share, 0.1), 99.9)
    decimals = 0 if part in (0, whole) else 1
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
