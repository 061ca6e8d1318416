"""The instances as small charts beside each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from messages.accounts.scope import Viewer
from messages.dashboard.messages.filter_links import Link
from messages.models import Instance
from messages.summaries import Cohort, Point, Selection, Slice, series
from messages.summaries.latencies import MEDIAN

from .display import INSTANCES, Sort
from .funnel import Latency, number, percent
from .parameters import Question

CARDS_SHOWN: Final = 24
# With fewer messages, a rate says little about an instance.
MIN_MESSAGES: Final = 20
_BAR, _GAP, _HEIGHT = 8, 2, 40


@dataclass(frozen=True, slots=True)
class Card:
    """`url` filters the Overview; the other URLs are lists of messages.

    The first `settled` of the points no longer change.
    """

    instance: Instance
    slice: Slice
    points: Sequence[Point]
    settled: int
    url: str
    messages_url: str
    delivered_url: str
    failed_url: str

    @property
    def messages(self) -> str:
        return number(self.slice.counts.messages)

    @property
    def delivered(self) -> str:
        return percent(self.slice.counts.delivered, self.slice.counts.messages)

    @property
    def failed(self) -> str:
        return number(self.slice.counts.failed)

    @property
    def failure_rate(self) -> str:
        return percent(self.slice.counts.failed, self.slice.counts.messages)

    @property
    def typical(self) -> str:
        return Latency("", self.slice.to_delivered).median

    @property
    def drawing(self) -> SafeString:
        """The messages over time, with the failed ones at the bottom."""
        most = max((point.messages for point in self.points), default=0)
        width = max(1, len(self.points)) * (_BAR + _GAP) - _GAP
        bars = [
            (_bar(place, point.messages, most), _bar(place, point.failed, most))
            for place, point in enumerate(self.points)
        ]
        groups = (("settled", bars[: self.settled]), ("fresh", bars[self.settled :]))
        return format_html(
            '<svg class="sparkline" viewBox="0 0 {} {}" preserveAspectRatio="none"'
            ' aria-hidden="true">{}</svg>',
            *(width, _HEIGHT),
            format_html_join(
                "",
                '<g class="{}"><path class="sent" d="{}"/><path class="failed" d="{}"/></g>',
                (
                    (name, "".join(sent for sent, _f in of), "".join(failed for _s, failed in of))
                    for name, of in groups
                ),
            ),
        )


@dataclass(frozen=True, slots=True)
class Cards:
    """`all_url` shows the instances that are left out; "" if there are none."""

    shown: list[Card]
    sort_links: list[Link]
    all_url: str


def instance_cards(
    question: Question, cohort: Cohort, user: Viewer, instances: Mapping[int, Instance]
) -> Cards | None:
    """None if there is only one instance, because the whole page shows it."""
    found = [one for one in cohort.instances if one.instance_id in instances]
    if question.instance is not None or len(found) < 2:
        return None
    names = {pk: one.name.casefold() for pk, one in instances.items()}
    found.sort(key=lambda one: (_rank(question.display.sort, one), names[one.instance_id]))
    shown = found if question.display.shows_all(INSTANCES) else found[:CARDS_SHOWN]
    pks = [one.instance_id for one in shown]
    points = series(user, Selection(question.since, question.until, pks, question.groups))
    cards = [
        _card(question, instances[one.instance_id], one, points.get(one.instance_id, []))
        for one in shown
    ]
    sort_links = [
        Link(
            sort.label,
            question.display_url("instances", sort=sort),
            sort is question.display.sort,
        )
        for sort in Sort
    ]
    all_url = question.display_url("instances", full=question.display.with_all(INSTANCES))
    return Cards(cards, sort_links, all_url if len(shown) < len(found) else "")


def _card(question: Question, instance: Instance, found: Slice, points: Sequence[Point]) -> Card:
    only = {"instance": instance.pk, "tag": ""}
    return Card(
        instance,
        found,
        points,
        _settled(question, len(points)),
        question.url(**only),
        question.list_url(**only),
        question.list_url(("reached", "received"), **only),
        question.list_url(("status", "failed"), **only),
    )


def _settled(question: Question, points: int) -> int:
    """How many of the equal parts of the period ended before counts may still change."""
    settled = question.settled_until - question.since
    return max(0, points * settled // (question.until - question.since))


def _rank(sort: Sort, one: Slice) -> tuple[bool, float]:
    """The sort key: those with the least of what is sorted by come last."""
    counts = one.counts
    match sort:
        case Sort.VOLUME:
            return False, -counts.messages
        case Sort.FAILED:
            return counts.messages < MIN_MESSAGES, -counts.failed / max(1, counts.messages)
        case Sort.TIME:
            median = one.to_delivered.quantile(MEDIAN)
            return median is None, -(median or timedelta()).total_seconds()
        case Sort.DELIVERED:
            return counts.messages < MIN_MESSAGES, counts.delivered / max(1, counts.messages)


def _bar(place: int, count: int, most: int) -> str:
    if not count:
        return ""
    # The smallest bars stay visible.
    height = max(2, round(_HEIGHT * count / most))
    return f"M{place * (_BAR + _GAP)} {_HEIGHT}v-{height}h{_BAR}v{height}z"
