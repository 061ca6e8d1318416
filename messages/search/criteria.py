"""Which messages are asked for: read from an address, told as an address again, and found.

The Messages page, the export, saved views and the API mean the same by the same parameters.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self

from django.db.models import TextChoices
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from messages.accounts.scope import Viewer, limited_to
from messages.domain.statuses import Status

from .matches import Matches, matches_of
from .parser import Search, understand
from .querysets import MessageQuerySet, Order, message_set


class Period(TextChoices):
    DAY = "24h", _("Last 24 hours")
    WEEK = "7d", _("Last 7 days")
    MONTH = "30d", _("Last 30 days")
    ALL = "all", _("All time")


class View(TextChoices):
    """The questions that are asked every day."""

    ALL = "", pgettext_lazy("messages", "All")
    STUCK = "stuck", _("Stuck")
    FAILED = "failed", pgettext_lazy("messages", "Failed")
    NO_READ = "no-read", _("Delivered without read")
    GROUPS = "groups", _("Groups")


STATUSES: Final = (
    Status.DISPATCHED,
    Status.SENT,
    Status.RECEIVED,
    Status.READ,
    Status.PLAYED,
    Status.FAILED,
    Status.UNKNOWN,
)
_LENGTHS: Final = {
    Period.DAY: timedelta(days=1),
    Period.WEEK: timedelta(days=7),
    Period.MONTH: timedelta(days=30),
}
# Of bookmarks made before the status was renamed.
_FORMER_NAMES: Final = {"accepted": "dispatched"}
_GROUPS: Final = {"1": True, "0": False}
# No message is older, and no calendar ends near: what lies between can be told in every time zone,
# and a day be added to it or taken away.
EARLIEST: Final = datetime(2009, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
_MINUTE = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}Z")


@dataclass(frozen=True, slots=True)
class Criteria:
    """`chosen_period` is None where none is named: a week, or all time for a search.

    Stuck messages are those of a day then, as many as every other page counts.

    `reached` asks for those that came this far or further. `groups` is None for groups and
    individuals alike. `since` and `until` bound a message's earliest step, the latter excluded.
    """

    search: Search
    view: View = View.ALL
    statuses: tuple[Status, ...] = ()
    reached: Status | None = None
    instances: tuple[int, ...] = ()
    chosen_period: Period | None = None
    since: datetime | None = None
    until: datetime | None = None
    groups: bool | None = None
    inbound: bool = False

    @classmethod
    def read(cls, query: QueryDict) -> Self:
        """Take what makes sense; what does not is as good as absent."""
        view, period = query.get("view", ""), query.get("period", "")
        since, until = _minute(query.get("since", "")), _minute(query.get("until", ""))
        # Dates are no part of all time: they take its place.
        named = [one for one in Period if one is not Period.ALL or not (since or until)]
        return cls(
            search=understand(query.get("q", "")),
            view=View(view) if view in View.values else View.ALL,
            statuses=_statuses(query.getlist("status")),
            reached=next(iter(_statuses(query.getlist("reached")[-1:])), None),
            instances=_numbers(query.getlist("instance")),
            chosen_period=Period(period) if period in named else None,
            since=since,
            until=until,
            groups=_GROUPS.get(query.get("groups", "")),
            inbound=query.get("inbound") == "1",
        )

    @property
    def period(self) -> Period:
        if self._is_of_now:
            return Period.DAY
        return self.chosen_period or (Period.ALL if self._reaches_back else Period.WEEK)

    @property
    def has_dates(self) -> bool:
        return bool(self.since or self.until)

    @property
    def order(self) -> Order:
        """By the time of sending where that has an end: what was sent before it is soon found."""
        return Order.SENT if self.until else Order.HEARD

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the period holds messages back."""
        return replace(self, chosen_period=None, inbound=False) != Criteria(understand(""))

    def messages(self, user: Viewer, matches: Matches | None = None) -> MessageQuerySet:
        """Those that `user` may see, in no order yet.

        `matches` is what the search comes to, where that is known already.
        """
        visible = limited_to(user, message_set())
        if self.search:
            visible = visible.matching(matches or matches_of(self.search, user))
        return self.narrow(visible)

    def narrow(self, found: MessageQuerySet) -> MessageQuerySet:
        """All but the search, which depends on who asks."""
        if not self.inbound:
            found = found.outbound()
        if self.period in _LENGTHS and not self._is_of_now:
            found = found.heard_since(timezone.now() - _LENGTHS[self.period])
        if self.since or self.until:
            found = found.sent_between(self.since, self.until)
        if self.instances:
            found = found.of_instances(self.instances, self.order)
        if self.statuses:
            found = found.with_status(self.statuses)
        if self.reached:
            found = found.that_reached(self.reached)
        if self.groups is not None:
            found = found.of_groups() if self.groups else found.of_individuals()
        return found.stuck_now() if self._is_of_now else _seen_as(self.view, found)

    def query(self) -> list[tuple[str, str]]:
        """The parameters of the address that asks for the same."""
        return [
            *_given("q", self.search.text),
            *_given("view", self.view.value),
            *(("status", status.lower()) for status in self.statuses),
            *_given("reached", self.reached and self.reached.lower()),
            *(("instance", str(pk)) for pk in self.instances),
            *_given("period", self.chosen_period and self.chosen_period.value),
            *_given("since", _written(self.since)),
            *_given("until", _written(self.until)),
            *_given("groups", {True: "1", False: "0", None: ""}[self.groups]),
            *_given("inbound", "1" if self.inbound else ""),
        ]

    def but(self, **changes: Any) -> Self:
        return replace(self, **changes)

    @property
    def _reaches_back(self) -> bool:
        return bool(self.search) or self.has_dates

    @property
    def _is_of_now(self) -> bool:
        """Whether those are asked for that every page counts as stuck."""
        return self.view is View.STUCK and not (self.chosen_period or self._reaches_back)


def _seen_as(view: View, found: MessageQuerySet) -> MessageQuerySet:
    match view:
        case View.STUCK:
            return found.stuck()
        case View.FAILED:
            return found.with_status([Status.FAILED])
        case View.NO_READ:
            return found.with_status([Status.RECEIVED])
        case View.GROUPS:
            return found.of_groups()
        case _:
            return found


def _given(name: str, value: str | None) -> list[tuple[str, str]]:
    return [(name, value)] if value else []


def _statuses(names: Iterable[str]) -> tuple[Status, ...]:
    wanted = {_FORMER_NAMES.get(name, name) for name in names}
    return tuple(status for status in STATUSES if status.lower() in wanted)


def _numbers(texts: Iterable[str]) -> tuple[int, ...]:
    numbers = {int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 19}
    return tuple(sorted(numbers))


def _written(minute: datetime | None) -> str:
    return f"{minute:%Y-%m-%dT%H:%MZ}" if minute else ""


def _minute(text: str) -> datetime | None:
    """A minute in UTC; what names none, or one that no message can be of, is None."""
    if not _MINUTE.fullmatch(text) or not text.isascii():
        return None
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if EARLIEST <= moment < LATEST else None
