"""The query parameters of the Overview page, and its filter links."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Self
from urllib.parse import urlencode

from django.db.models import TextChoices
from django.http import QueryDict
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from messages.dashboard.messages.filter_links import Link
from messages.dashboard.shared.moments import Moment
from messages.dashboard.shared.views import path_of
from messages.domain.message_kinds import COUNTED, MessageKind
from messages.models import Instance
from messages.search.criteria import EARLIEST, LATEST, Criteria, View
from messages.search.parser import parse_search

HOUR: Final = timedelta(hours=1)
# With a longer custom period the bars would be too thin to click.
MAX_PERIOD: Final = timedelta(days=366)


class Period(TextChoices):
    DAY = "24h", gettext_lazy("Last 24 hours")
    WEEK = "7d", gettext_lazy("Last 7 days")
    MONTH = "30d", gettext_lazy("Last 30 days")
    CUSTOM = "custom", gettext_lazy("Custom dates")


_LENGTHS: Final = {
    Period.DAY: timedelta(days=1),
    Period.WEEK: timedelta(days=7),
    Period.MONTH: timedelta(days=30),
}
_GROUPS: Final = {"1": True, "0": False}
_PK = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Question:
    """The filters of the Overview page.

    They select messages sent from `since` (inclusive) to `until` (exclusive), both at full hours.
    `groups` is None for both groups and individuals. `first_day` and `last_day` are set for a
    custom period. `problem` explains why the page does not show the days that the user chose.
    """

    now: datetime
    period: Period = Period.WEEK
    first_day: date | None = None
    last_day: date | None = None
    instance: int | None = None
    groups: bool | None = None
    problem: str = ""

    @classmethod
    def read(cls, query: QueryDict) -> Self:
        """Ignore invalid parameters."""
        first, last = _day(query.get("first", "")), _day(query.get("last", ""))
        instance, period = query.get("instance", ""), query.get("period", "")
        is_custom = period == Period.CUSTOM and first and last and first <= last
        is_known = period in _LENGTHS
        return cls(
            now=timezone.now(),
            period=Period(period) if is_custom or is_known else Period.WEEK,
            first_day=first if is_custom else None,
            last_day=last if is_custom else None,
            instance=int(instance) if _PK.fullmatch(instance) else None,
            groups=_GROUPS.get(query.get("groups", "")),
            problem=_problem(first, last) if period == Period.CUSTOM else "",
        )

    @property
    def until(self) -> datetime:
        """The end of the period (exclusive). It is at most the end of the current hour."""
        this_hour = self.now.replace(minute=0, second=0, microsecond=0) + HOUR
        if not self.last_day:
            return this_hour
        return min(this_hour, _midnight(self.last_day + timedelta(days=1)))

    @property
    def since(self) -> datetime:
        if self.first_day:
            return max(_midnight(self.first_day), self.until - MAX_PERIOD)
        return self.until - _LENGTHS[self.period]

    @property
    def period_label(self) -> str | Promise:
        """The name of the period, or the dates of a custom period."""
        if self.period is not Period.CUSTOM:
            return self.period.label
        return f"{Moment(self.since).day} – {Moment(self.until - timedelta(seconds=1)).day}"

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
            since=self.since,
            until=self.until,
            kinds=self.kinds,
        )

    @property
    def kinds(self) -> tuple[MessageKind, ...]:
        """The kinds of message that are counted."""
        return tuple(
            kind
            for kind in COUNTED
            if self.groups is None or self.groups is (kind is not MessageKind.INDIVIDUAL)
        )

    @property
    def stuck(self) -> Criteria:
        """The messages that are stuck now, in any period."""
        return self.criteria.replace(view=View.STUCK, since=None, until=None)

    def url(self, **changes: Any) -> str:
        return f"{path_of('overview')}?{urlencode(replace(self, **changes)._query())}"

    def list_url(self, *filters: tuple[str, str], **changes: Any) -> str:
        """The URL of the list with the messages counted here."""
        asked = replace(self, **changes)
        return asked.hours_url(asked.since, asked.until, *filters)

    def hours_url(self, since: datetime, until: datetime, *filters: tuple[str, str]) -> str:
        span = [("since", _minute(since)), ("until", _minute(until))]
        instance = [("instance", str(self.instance))] if self.instance is not None else []
        kinds = [("kind", kind.value) for kind in self.kinds]
        query = urlencode([*filters, *span, *instance, *kinds])
        return f"{path_of('messages')}?{query}"

    def hidden_inputs(self) -> list[tuple[str, str]]:
        """The parameters that the form of custom dates keeps."""
        return [("period", Period.CUSTOM.value), *self._filters()]

    def _query(self) -> list[tuple[str, str]]:
        days = [("first", self.first_day), ("last", self.last_day)]
        return [
            ("period", self.period.value),
            *((name, day.isoformat()) for name, day in days if day),
            *self._filters(),
        ]

    def _filters(self) -> list[tuple[str, str]]:
        return [
            *([("instance", str(self.instance))] if self.instance is not None else []),
            *([("groups", str(int(self.groups)))] if self.groups is not None else []),
        ]


def period_links(question: Question) -> list[Link]:
    return [
        Link(
            period.label,
            question.url(period=period, first_day=None, last_day=None),
            period is question.period,
        )
        for period in _LENGTHS
    ]


def instance_links(question: Question, instances: Iterable[Instance]) -> list[Link]:
    everyone = Link(_("All instances"), question.url(instance=None), question.instance is None)
    return [
        everyone,
        *(
            Link(one.name, question.url(instance=one.pk), one.pk == question.instance)
            for one in instances
        ),
    ]


def kind_links(question: Question) -> list[Link]:
    words = {None: _("All messages"), False: _("To individuals"), True: _("To groups and lists")}
    return [
        Link(label, question.url(groups=groups), question.groups is groups)
        for groups, label in words.items()
    ]


def _problem(first: date | None, last: date | None) -> str:
    if not first or not last:
        return _("Pick both dates. Showing the last 7 days.")
    if first > last:
        return _("The start date is after the end date. Showing the last 7 days.")
    if last - first >= MAX_PERIOD:
        return _("The limit is one year. Showing the last year of this period.")
    return ""


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


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%MZ}"
