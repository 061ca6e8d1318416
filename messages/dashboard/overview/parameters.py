"""The query parameters of the Overview page, and its filter links."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Final, Self
from urllib.parse import urlencode

from django.db.models import TextChoices
from django.http import QueryDict
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from messages.dashboard.messages.filter_links import Link
from messages.dashboard.shared.moments import Moment
from messages.dashboard.shared.views import path_of
from messages.domain.message_kinds import COUNTED, MessageKind
from messages.instances.tags import tagged_instances
from messages.models import Instance, Tag
from messages.search.criteria import EARLIEST, LATEST, Criteria, View
from messages.search.parser import parse_search
from messages.summaries import Selection

from .display import Display, Heat

HOUR: Final = timedelta(hours=1)
_DAY_LENGTH: Final = timedelta(days=1)
_LONGEST_IN_HOURS: Final = timedelta(days=8)
# With a longer custom period the bars would be too thin to click.
MAX_PERIOD: Final = timedelta(days=366)


class Period(TextChoices):
    TODAY = "today", gettext_lazy("Today")
    YESTERDAY = "yesterday", gettext_lazy("Yesterday")
    DAY = "24h", gettext_lazy("Last 24 hours")
    WEEK = "7d", gettext_lazy("Last 7 days")
    MONTH = "30d", gettext_lazy("Last 30 days")
    CUSTOM = "custom", gettext_lazy("Custom dates")


_LENGTHS: Final = {
    Period.DAY: timedelta(days=1),
    Period.WEEK: timedelta(days=7),
    Period.MONTH: timedelta(days=30),
}
# The value of `compare` for the previous period. Any other value is an instance.
PREVIOUS: Final = "previous"
_GROUPS: Final = {"1": True, "0": False}
_PK = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Question:
    """The filters of the Overview page.

    They select messages sent from `since` (inclusive) to `until` (exclusive), both at full hours.
    `groups` is None for both groups and individuals. `first_day` and `last_day` are set for a
    custom period. `zoom` is a part of the period, or any other time, that replaces it. Only one of
    `instance` and `tag` is set. `compare` is PREVIOUS, another instance (only if `instance` is
    set), or None. `problem` explains why the page does not show the days that the user chose, and
    `compare_problem` why it does not compare.
    """

    now: datetime
    period: Period = Period.WEEK
    first_day: date | None = None
    last_day: date | None = None
    zoom: tuple[datetime, datetime] | None = None
    instance: int | None = None
    tag: str = ""
    groups: bool | None = None
    compare: str | int | None = None
    display: Display = field(default_factory=Display)
    problem: str = ""
    compare_problem: str = ""

    @classmethod
    def read(cls, query: QueryDict) -> Self:
        """Ignore invalid parameters."""
        now = timezone.now()
        first, last = _day(query.get("first", "")), _day(query.get("last", ""))
        period = query.get("period", "")
        is_custom = period == Period.CUSTOM and first and last and first <= last
        is_known = period in Period.values and period != Period.CUSTOM
        instance = _pk(query.get("instance", ""))
        compare, compare_problem = _compare(query.get("compare", ""), instance)
        return cls(
            now=now,
            period=Period(period) if is_custom or is_known else Period.WEEK,
            first_day=first if is_custom else None,
            last_day=last if is_custom else None,
            zoom=_zoom(query, now),
            instance=instance,
            tag=query.get("tag", "").replace("\x00", "") if instance is None else "",
            groups=_GROUPS.get(query.get("groups", "")),
            compare=compare,
            display=Display.read(query),
            problem=_problem(first, last) if period == Period.CUSTOM else "",
            compare_problem=compare_problem,
        )

    @property
    def until(self) -> datetime:
        """The end of the period (exclusive). It is at most the end of the current hour."""
        if self.zoom:
            return self.zoom[1]
        this_hour = _hour_after(self.now)
        match self.period:
            case Period.YESTERDAY:
                return _midnight(_today(self.now))
            case Period.CUSTOM if self.last_day:
                return min(this_hour, _midnight(self.last_day + timedelta(days=1)))
            case _:
                return this_hour

    @property
    def since(self) -> datetime:
        if self.zoom:
            return self.zoom[0]
        match self.period:
            case Period.TODAY:
                return _midnight(_today(self.now))
            case Period.YESTERDAY:
                return _midnight(_today(self.now) - timedelta(days=1))
            case Period.CUSTOM if self.first_day:
                return max(_midnight(self.first_day), self.until - MAX_PERIOD)
            case _:
                return self.until - _LENGTHS[self.period]

    @property
    def days_back(self) -> timedelta:
        """How much earlier the previous period is: its length, in whole days.

        So the hours of a day are compared with the same hours of an earlier day.
        """
        return -(-(self.until - self.since) // _DAY_LENGTH) * _DAY_LENGTH

    @property
    def compared_back(self) -> timedelta:
        """How much earlier the messages are that these are compared with."""
        return timedelta() if isinstance(self.compare, int) else self.days_back

    def selection(self) -> Selection:
        instances = None if self.instance is None else [self.instance]
        if self.tag:
            instances = tagged_instances([self.tag])
        return Selection(self.since, self.until, instances, self.groups)

    def baseline(self, selection: Selection) -> Selection:
        """What the selection is compared with: another instance, or the previous period."""
        if isinstance(self.compare, int):
            return replace(selection, instances=[self.compare])
        back = self.days_back
        return replace(selection, since=selection.since - back, until=selection.until - back)

    @property
    def period_label(self) -> str | Promise:
        """The name of the period, or its dates if it has no name."""
        if self.zoom or self.period is Period.CUSTOM:
            return span_label(self.since, self.until)
        return self.period.label

    @property
    def previous_label(self) -> str:
        """The dates of the previous period."""
        return span_label(self.since - self.days_back, self.until - self.days_back)

    @property
    def in_previous(self) -> str:
        """The previous period, after its value: "80 % in the 7 days before"."""
        days = self.days_back.days
        if self.period is Period.DAY and not self.zoom:
            return _("in the 24 hours before")
        if self.days_back == self.until - self.since:
            if days == 1:
                return _("on the day before")
            words = ngettext("in the %(days)d day before", "in the %(days)d days before", days)
        else:
            if days == 1:
                return _("in the same hours of the day before")
            words = ngettext(
                "in the %(days)d day before, up to the same hour",
                "in the %(days)d days before, up to the same hour",
                days,
            )
        return words % {"days": days}

    @property
    def is_short(self) -> bool:
        """Whether the sparklines show parts of days."""
        return self.until - self.since <= _LONGEST_IN_HOURS

    @property
    def needs_times_of_hours(self) -> bool:
        return self.is_short or self.display.heat is Heat.P95

    @property
    def settled_until(self) -> datetime:
        """The counts of messages sent later may still change."""
        return self.now.replace(minute=0, second=0, microsecond=0) - timedelta(days=1)

    @property
    def criteria(self) -> Criteria:
        """The filters of the message list with the same messages."""
        return Criteria(
            parse_search(""),
            instances=() if self.instance is None else (self.instance,),
            tags=(self.tag,) if self.tag else (),
            since=self.since,
            until=self.until,
            kinds=self.kinds,
        )

    @property
    def kinds(self) -> tuple[MessageKind, ...]:
        """The kinds of message that are counted."""
        return _kinds(self.groups)

    @property
    def stuck(self) -> Criteria:
        """The messages that are stuck now, in any period."""
        return self.criteria.replace(view=View.STUCK, since=None, until=None)

    def url(self, **changes: Any) -> str:
        return f"{path_of('overview')}?{urlencode(replace(self, **changes)._query())}"

    def list_url(self, *filters: tuple[str, str], **changes: Any) -> str:
        """The URL of the list with the messages counted here."""
        asked = replace(self, **changes) if changes else self
        return asked.hours_url(asked.since, asked.until, *filters)

    def hours_url(self, since: datetime, until: datetime, *filters: tuple[str, str]) -> str:
        span = f"since={_minute_in_url(since)}&until={_minute_in_url(until)}"
        parts = (urlencode(filters), span, _scope_in_list_url(self.instance, self.tag, self.groups))
        return f"{path_of('messages')}?{'&'.join(filter(None, parts))}"

    def display_url(self, place: str, **changes: Any) -> str:
        """The same page with another display, at this place on it."""
        return f"{self.url(display=replace(self.display, **changes))}#{place}"

    def hidden_inputs(self) -> list[tuple[str, str]]:
        """The parameters that the form of custom dates keeps."""
        return [("period", Period.CUSTOM.value), *self._filters()]

    def compare_inputs(self) -> list[tuple[str, str]]:
        """The parameters that the form to compare two instances keeps."""
        return replace(self, instance=None, tag="", compare=None)._query()

    @property
    def compare_without_instance(self) -> str | int | None:
        """What is still compared once no instance is chosen."""
        return PREVIOUS if self.compare == PREVIOUS else None

    def _query(self) -> list[tuple[str, str]]:
        days = [("first", self.first_day), ("last", self.last_day)]
        return [
            ("period", self.period.value),
            *((name, day.isoformat()) for name, day in days if day),
            *zip(("since", "until"), map(minute, self.zoom or ()), strict=False),
            *self._filters(),
        ]

    def _filters(self) -> list[tuple[str, str]]:
        return [
            *self._scope(),
            *([("groups", str(int(self.groups)))] if self.groups is not None else []),
            *([("compare", str(self.compare))] if self.compare is not None else []),
            *self.display.query(),
        ]

    def _scope(self) -> list[tuple[str, str]]:
        return _scope(self.instance, self.tag)


def _scope(instance: int | None, tag: str) -> list[tuple[str, str]]:
    if instance is not None:
        return [("instance", str(instance))]
    return [("tag", tag)] if tag else []


def _kinds(groups: bool | None) -> tuple[MessageKind, ...]:
    return tuple(
        kind for kind in COUNTED if groups is None or groups is (kind is not MessageKind.INDIVIDUAL)
    )


# Cached: the page has 130 of these URLs, and urlencode() would take a twelfth of its time.
@lru_cache(maxsize=256)
def _scope_in_list_url(instance: int | None, tag: str, groups: bool | None) -> str:
    kinds = [("kind", kind.value) for kind in _kinds(groups)]
    return urlencode([*_scope(instance, tag), *kinds])


def span_label(since: datetime, until: datetime) -> str:
    """The first and the last day, or the times if they are on one day."""
    first, last = Moment(since), Moment(until - timedelta(seconds=1))
    if first.day != last.day:
        return f"{first.day} – {last.day}"
    return f"{first.day}, {first.clock[:5]} – {Moment(until).clock[:5]}"


def period_links(question: Question) -> list[Link]:
    return [
        Link(
            period.label,
            question.url(period=period, first_day=None, last_day=None, zoom=None),
            period is question.period and not question.zoom,
        )
        for period in Period
        if period is not Period.CUSTOM
    ]


def instance_links(question: Question, instances: Iterable[Instance]) -> list[Link]:
    url = question.url(instance=None, compare=question.compare_without_instance)
    return [
        Link(_("All instances"), url, question.instance is None),
        *(
            Link(one.name, question.url(instance=one.pk, tag=""), one.pk == question.instance)
            for one in instances
        ),
    ]


def tag_links(question: Question, tags: Iterable[Tag]) -> list[Link]:
    return [
        Link(_("All tags"), question.url(tag=""), not question.tag),
        *(
            Link(
                tag.name,
                question.url(
                    tag=tag.name, instance=None, compare=question.compare_without_instance
                ),
                tag.name.lower() == question.tag.lower(),
            )
            for tag in tags
        ),
    ]


def previous_links(question: Question) -> list[Link]:
    """Compare with the previous period."""
    return [
        Link(_("Only in the figures"), question.url(compare=None), question.compare is None),
        Link(
            _("In the figures and the chart"),
            question.url(compare=PREVIOUS),
            question.compare == PREVIOUS,
        ),
    ]


def compared_sides(question: Question, instances: Collection[int]) -> list[int]:
    """The two instances that the form offers to compare; none if there are not two."""
    sides = sorted(instances, key=lambda one: (one != question.instance, one != question.compare))
    return sides[:2] if len(sides) > 1 else []


def kind_links(question: Question) -> list[Link]:
    words = {None: _("All messages"), False: _("To individuals"), True: _("To groups and lists")}
    return [
        Link(label, question.url(groups=groups), question.groups is groups)
        for groups, label in words.items()
    ]


def _compare(text: str, instance: int | None) -> tuple[str | int | None, str]:
    """What to compare with, and why that is not possible, or ""."""
    if text == PREVIOUS:
        return PREVIOUS, ""
    other = _pk(text)
    if other is None:
        return None, ""
    if instance is None:
        return None, _("Nothing is compared: choose two instances under Compare.")
    if other == instance:
        return None, _("Nothing is compared: both instances are the same.")
    return other, ""


def _problem(first: date | None, last: date | None) -> str:
    if not first or not last:
        return _("Pick both dates. Showing the last 7 days.")
    if first > last:
        return _("The start date is after the end date. Showing the last 7 days.")
    if last - first >= MAX_PERIOD:
        return _("The limit is one year. Showing the last year of this period.")
    return ""


def _zoom(query: QueryDict, now: datetime) -> tuple[datetime, datetime] | None:
    """The dates of the query, extended to full hours; None if they contain no past hour."""
    asked = Criteria.read(query)
    if not asked.since or not asked.until:
        return None
    since = asked.since.replace(minute=0)
    until = min(_hour_after(asked.until - timedelta.resolution), _hour_after(now))
    return (max(since, until - MAX_PERIOD), until) if since < until else None


def _pk(text: str) -> int | None:
    return int(text) if _PK.fullmatch(text) else None


def _hour_after(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0) + HOUR


def _today(now: datetime) -> date:
    return timezone.localtime(now).date()


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if EARLIEST.date() <= day < LATEST.date() else None


def _midnight(day: date) -> datetime:
    """Midnight in the viewer's time zone, rounded down to a full hour in UTC.

    Some time zones differ from UTC by half hours.
    """
    local = datetime.combine(day, time(), timezone.get_current_timezone())
    return local.astimezone(UTC).replace(minute=0)


def minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


def _minute_in_url(moment: datetime) -> str:
    return minute(moment).replace(":", "%3A")
