"""The filters of a message list: read from a query string, written to one, and applied.

The Messages page, the export, saved views and the API share these parameters.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Self, TypeVar

from django.db.models import TextChoices
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from messages.accounts.encrypted_addresses import decrypt_address, encrypt_address
from messages.accounts.scope import Viewer, limited_to
from messages.domain.failures import CODES, FAILURES, Retry
from messages.domain.message_kinds import SHARED, MessageKind
from messages.domain.statuses import Status
from messages.incidents.unconfirmed_messages import unconfirmed
from messages.instances.tags import MAX_TAG_LENGTH, tagged_instances
from messages.models import Label
from messages.models.label import LabelQuerySet
from messages.models.message import FAILED

from .latency_ranges import LatencyRange
from .matches import Matches, aliases_of, find_matches, labels_matching
from .parser import Search, parse_search
from .querysets import MessageQuerySet, Order, message_set, messages_with
from .week_hours import WeekHour


class Period(TextChoices):
    """When messages were first seen. A day begins and ends in the viewer's time zone."""

    TODAY = "today", _("Today")
    YESTERDAY = "yesterday", _("Yesterday")
    DAY = "24h", _("Last 24 hours")
    WEEK = "7d", _("Last 7 days")
    MONTH = "30d", _("Last 30 days")
    ALL = "all", _("All time")

    def bounds(self, now: datetime) -> tuple[datetime | None, datetime | None]:
        """Its beginning (inclusive) and its end (exclusive), where it has them."""
        today = timezone.localdate(now)
        match self:
            case Period.TODAY:
                return midnight(today), None
            case Period.YESTERDAY:
                return midnight(today - _ONE_DAY), midnight(today)
            case Period.ALL:
                return None, None
            case _:
                return now - _LENGTHS[self], None


class View(TextChoices):
    """The built-in views of the Messages page."""

    ALL = "", pgettext_lazy("messages", "All")
    UNCONFIRMED = "unconfirmed", _("Never confirmed")
    STUCK = "stuck", _("Stuck")
    FAILED = "failed", pgettext_lazy("messages", "Failed")
    NO_READ = "no-read", _("Delivered without read")
    GROUPS = "groups", _("Groups")

    @property
    def lists_messages(self) -> bool:
        """Whether it is a selection of messages: not all of them, and not labels."""
        return self not in (View.ALL, View.UNCONFIRMED)


STATUSES: Final = (
    Status.DISPATCHED,
    Status.SENT,
    Status.RECEIVED,
    Status.READ,
    Status.PLAYED,
    Status.FAILED,
    Status.UNKNOWN,
)
_ONE_DAY: Final = timedelta(days=1)
_LENGTHS: Final = {
    Period.DAY: _ONE_DAY,
    Period.WEEK: timedelta(days=7),
    Period.MONTH: timedelta(days=30),
}
# For bookmarks from before the status was renamed.
_FORMER_NAMES: Final = {"accepted": "dispatched"}
# For links from before there were several kinds.
_FORMER_GROUPS: Final = {"1": SHARED, "0": (MessageKind.INDIVIDUAL,)}
_NOT_OUR_STATUS: Final = tuple(kind for kind in MessageKind if kind is not MessageKind.STATUS)
# No message is older than EARLIEST. Between these dates, adding or subtracting a day or a time zone
# offset cannot overflow.
EARLIEST: Final = datetime(2009, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
_MAX_TAGS: Final = 20
# For a filter by the hour of the week.
_MAX_WEEKS: Final = timedelta(days=367)
UNREADABLE: Final = "unreadable"
_NEWEST: Final = "newest"
_Text = TypeVar("_Text", bound=str)
_MINUTE = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}Z")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Criteria:
    """The filters of one list of messages.

    `chosen_period` is None if the query names no period. The default is 7 days. For a search or
    with dates it is all time. For the Stuck view it is the last 24 hours, like the counts on all
    pages.

    `reasons` are failure codes. They and `retries` select failed messages only.

    `reached` selects messages that reached this status or a later one. Without `kinds`, our own
    status is left out, except in a search. `since` (inclusive) and `until` (exclusive) apply to the
    first step. In a query each may also be a day in the viewer's time zone; that day is included.
    `week_hour` applies to the first step, too, and needs both dates, at most a year apart. `tags`
    select the instances that have any of these tags.

    `newest_first` is for the Stuck view, which otherwise begins with the message that has waited
    longest.

    `recipient` is an address, encrypted in the query. Unlike a search for a number it can be shared
    with people who may not see numbers.
    """

    search: Search
    view: View = View.ALL
    statuses: tuple[Status, ...] = ()
    reached: Status | None = None
    instances: tuple[int, ...] = ()
    chosen_period: Period | None = None
    since: datetime | None = None
    until: datetime | None = None
    kinds: tuple[MessageKind, ...] = ()
    inbound: bool = False
    reasons: tuple[str, ...] = ()
    retries: tuple[Retry, ...] = ()
    tags: tuple[str, ...] = ()
    latencies: tuple[LatencyRange, ...] = ()
    week_hour: WeekHour | None = None
    recipient: str = ""
    newest_first: bool = False

    @classmethod
    def read(cls, query: QueryDict) -> Self:
        """Ignore invalid parameters."""
        view, period = query.get("view", ""), query.get("period", "")
        since, until = _dates(query)
        # "All time" with dates is the same as the dates alone.
        named = [one for one in Period if one is not Period.ALL or not (since or until)]
        has_weeks = since and until and until - since <= _MAX_WEEKS
        return cls(
            search=parse_search(query.get("q", "")),
            view=View(view) if view in View.values else View.ALL,
            statuses=_statuses(query.getlist("status")),
            reached=next(iter(_statuses(query.getlist("reached")[-1:])), None),
            instances=_parse_ids(query.getlist("instance")),
            chosen_period=Period(period) if period in named else None,
            since=since,
            until=until,
            kinds=_kinds(query),
            inbound=query.get("inbound") == "1",
            reasons=_chosen(CODES, query.getlist("reason")),
            retries=_chosen(Retry, query.getlist("retry")),
            tags=_tags(query.getlist("tag")),
            latencies=LatencyRange.read(query),
            week_hour=WeekHour.read(query) if has_weeks else None,
            recipient=_recipient(query.get("recipient", "")),
            newest_first=view == View.STUCK and query.get("order") == _NEWEST,
        )

    @property
    def period(self) -> Period:
        if self._is_stuck_now:
            return Period.DAY
        return self.chosen_period or (Period.ALL if self._defaults_to_all_time else Period.WEEK)

    @property
    def starts_at(self) -> datetime | None:
        """The time before which no message is listed; None if there is no such time."""
        starts = (self.since, self.period.bounds(timezone.now())[0])
        return max(filter(None, starts), default=None)

    @property
    def has_dates(self) -> bool:
        return bool(self.since or self.until)

    @property
    def order(self) -> Order:
        """By sending time if `until` is set: its index finds the newest matching rows quickly."""
        return Order.SENT if self.until else Order.HEARD

    @property
    def oldest_first(self) -> bool:
        return self.view is View.STUCK and not self.newest_first

    @property
    def sorting(self) -> tuple[str, str]:
        """The fields by which the list is sorted, in their directions."""
        return self.order.oldest_first if self.oldest_first else self.order.newest_first

    @property
    def has_filters(self) -> bool:
        """Whether any filter besides the period is set."""
        return replace(self, chosen_period=None, inbound=False) != Criteria(parse_search(""))

    def messages(self, user: Viewer, matches: Matches | None = None) -> MessageQuerySet:
        """The matching messages that `user` may see, unordered.

        Pass `matches` if the search has been run already.
        """
        visible = self._visible_messages(user)
        if self.search:
            visible = visible.matching(matches or find_matches(self.search, user))
        return self.narrow(visible)

    def _visible_messages(self, user: Viewer) -> MessageQuerySet:
        if self.recipient:
            return messages_with(self.recipient, aliases_of([self.recipient], user), user)
        return limited_to(user, message_set())

    def unconfirmed_labels(self, user: Viewer) -> LabelQuerySet:
        """The labels of the view UNCONFIRMED that `user` may see. They have no recipient."""
        now = timezone.now()
        if self.recipient:
            return Label.objects.none()
        found = unconfirmed(limited_to(user, Label.objects.all()), now)
        for since, until in (self.period.bounds(now), (self.since, self.until)):
            if since:
                found = found.filter(awaited_since__gte=since)
            if until:
                found = found.filter(awaited_since__lt=until)
        if self.instances:
            found = found.filter(instance__in=self.instances)
        if self.tags:
            found = found.filter(instance__in=tagged_instances(self.tags))
        return found.filter(labels_matching(self.search, user)) if self.search else found

    def narrow(self, found: MessageQuerySet) -> MessageQuerySet:
        """Apply every filter except the search and the recipient, which depend on the user."""
        # PostgreSQL checks conditions in this order. Few messages are stuck.
        if self._is_stuck_now:
            found = found.stuck_now()
        if not self.inbound:
            found = found.outbound()
        found = self._in_period(found)
        if self.instances:
            found = found.of_instances(self.instances, self.order)
        if self.tags:
            found = found.of_instances(tagged_instances(self.tags), self.order)
        if self.statuses:
            found = found.with_status(self.statuses)
        if self.reached:
            found = found.that_reached(self.reached)
        if self.reasons or self.retries:
            found = found.that_failed(self._failure_codes)
        for one in self.latencies:
            found = found.that_took(one)
        if kinds := self.kinds or (() if self.is_search else _NOT_OUR_STATUS):
            found = found.of_kinds(kinds)
        return found if self._is_stuck_now else _in_view(self.view, found)

    def _in_period(self, found: MessageQuerySet) -> MessageQuerySet:
        if not self._is_stuck_now:
            found = found.first_heard_between(*self.period.bounds(timezone.now()))
        if self.since or self.until:
            found = found.sent_between(self.since, self.until)
        if self.week_hour and self.since and self.until:
            found = found.sent_in_hours(list(self.week_hour.hours(self.since, self.until)))
        return found

    def query(self) -> list[tuple[str, str]]:
        """The query parameters that read() would turn into the same criteria."""
        return [
            *_parameter("q", self.search.text),
            *_parameter("recipient", self.recipient and encrypt_address(self.recipient)),
            *_parameter("view", self.view.value),
            *(("status", status.lower()) for status in self.statuses),
            *_parameter("reached", self.reached and self.reached.lower()),
            *(("instance", str(pk)) for pk in self.instances),
            *(("tag", tag) for tag in self.tags),
            *_parameter("period", self.chosen_period and self.chosen_period.value),
            *_parameter("since", _format_minute(self.since)),
            *_parameter("until", _format_minute(self.until)),
            *(("kind", kind.value) for kind in self.kinds),
            *_parameter("inbound", "1" if self.inbound else ""),
            *(("reason", code) for code in self.reasons),
            *(("retry", retry.value) for retry in self.retries),
            *(one.query() for one in self.latencies),
            *(self.week_hour.query() if self.week_hour else []),
            *_parameter("order", _NEWEST if self.newest_first and self.view is View.STUCK else ""),
        ]

    def replace(self, **changes: Any) -> Self:
        return replace(self, **changes)

    @property
    def _failure_codes(self) -> set[str]:
        wanted = set(self.reasons or CODES)
        if self.retries:
            wanted &= {code for code, one in FAILURES.items() if one.retry in self.retries}
        return wanted

    @property
    def is_search(self) -> bool:
        """Whether it looks for messages by their text or recipient."""
        return bool(self.search or self.recipient)

    @property
    def _defaults_to_all_time(self) -> bool:
        return self.is_search or self.has_dates

    @property
    def _is_stuck_now(self) -> bool:
        """Whether this is the set of stuck messages that all pages count."""
        return self.view is View.STUCK and not (self.chosen_period or self._defaults_to_all_time)


def _in_view(view: View, found: MessageQuerySet) -> MessageQuerySet:
    match view:
        case View.STUCK:
            return found.stuck()
        case View.UNCONFIRMED:
            return found.none()
        case View.FAILED:
            # The first condition is for the index.
            return found.filter(FAILED).with_status([Status.FAILED])
        case View.NO_READ:
            return found.with_status([Status.RECEIVED])
        case View.GROUPS:
            return found.of_kinds([MessageKind.GROUP])
        case _:
            return found


def _parameter(name: str, value: str | None) -> list[tuple[str, str]]:
    return [(name, value)] if value else []


def _statuses(names: Iterable[str]) -> tuple[Status, ...]:
    wanted = {_FORMER_NAMES.get(name, name) for name in names}
    return tuple(status for status in STATUSES if status.lower() in wanted)


def _kinds(query: QueryDict) -> tuple[MessageKind, ...]:
    """In a fixed order; none if all are chosen."""
    former = _FORMER_GROUPS.get(query.get("groups", ""), ())
    wanted = set(query.getlist("kind")) & set(MessageKind.values) or set(former)
    return tuple(kind for kind in MessageKind if kind in wanted)


def _chosen(known: Iterable[_Text], names: Iterable[str]) -> tuple[_Text, ...]:
    wanted = set(names)
    return tuple(one for one in known if one in wanted)


def _tags(names: Iterable[str]) -> tuple[str, ...]:
    cleaned = (name.replace("\x00", "").strip()[:MAX_TAG_LENGTH] for name in names)
    return tuple(dict.fromkeys(filter(None, cleaned)))[:_MAX_TAGS]


def _recipient(encrypted: str) -> str:
    """The address. If the link cannot be read: a text that is no address, so no message matches."""
    return (decrypt_address(encrypted) or UNREADABLE) if encrypted else ""


def _parse_ids(texts: Iterable[str]) -> tuple[int, ...]:
    numbers = {int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 19}
    return tuple(sorted(numbers))


def midnight(day: date) -> datetime:
    """The beginning of the day in the viewer's time zone."""
    return datetime.combine(day, time(), timezone.get_current_timezone())


def are_dates_reversed(query: QueryDict) -> bool:
    """Whether `since` is not before `until`. Such dates are ignored."""
    since, until = _moment(query, "since"), _moment(query, "until", days=_ONE_DAY)
    return bool(since and until and since >= until)


def _dates(query: QueryDict) -> tuple[datetime | None, datetime | None]:
    if are_dates_reversed(query):
        return None, None
    return _moment(query, "since"), _moment(query, "until", days=_ONE_DAY)


def _moment(query: QueryDict, name: str, days: timedelta = timedelta()) -> datetime | None:
    """The time in this parameter. For a day without a time: its beginning, `days` later."""
    text = query.get(name, "")
    if not _DAY.fullmatch(text) or not text.isascii():
        return _parse_minute(text)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    if not EARLIEST.date() < day < LATEST.date() - _ONE_DAY:
        return None
    return midnight(day + days).astimezone(UTC)


def _format_minute(minute: datetime | None) -> str:
    return f"{minute:%Y-%m-%dT%H:%MZ}" if minute else ""


def _parse_minute(text: str) -> datetime | None:
    """A minute in UTC; None if the text is not one or is outside EARLIEST to LATEST."""
    if not _MINUTE.fullmatch(text) or not text.isascii():
        return None
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if EARLIEST <= moment < LATEST else None
