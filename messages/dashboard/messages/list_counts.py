"""How many messages a list and its tabs have.

A page may not count millions of messages, so counts are capped. Where no index has just the wanted
messages, only the newest messages are looked through. A number with a plus sign is a minimum.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from messages.domain.message_kinds import MessageKind
from messages.domain.statuses import Status
from messages.models.capped_counts import capped_counts
from messages.search.criteria import Criteria, View
from messages.search.parser import parse_search

from .new_messages import Person
from .unconfirmed_views import NEWEST_FIRST

_MAX_ON_TAB: Final = 99
_MAX_RESULTS: Final = 1000
_LOOKED_THROUGH: Final = 3000
_RESULTS: Final = "results"
# The statuses of stuck messages: Z-API has not sent them, or WhatsApp has not delivered them.
_STUCK_STATUSES: Final = (Status.DISPATCHED, Status.SENT)
_TAB: Final = "tab_"


class ListCounts:
    """The counts of a list, and of the lists to which its tabs lead: two queries.

    While searching, tabs and kinds of stuck messages have no count: each would repeat the search.
    """

    def __init__(
        self, criteria: Criteria, found: QuerySet[Any], tabs: Mapping[View, Criteria], user: Person
    ) -> None:
        self._reach = None if criteria.is_search else _reach(criteria, user)
        self._lists = {
            _name(view): target
            for view, target in tabs.items()
            if view is not View.ALL and not target.is_search
        } | {_RESULTS: criteria}
        rows = {name: self._rows_of(name, user) for name in self._lists if name != _RESULTS}
        rows[_RESULTS] = results = self._within_reach(criteria, found)
        self._counts_stuck = criteria.view is View.STUCK and not criteria.is_search
        if self._counts_stuck:
            rows |= {one.name: results.filter(rank=one.rank) for one in _STUCK_STATUSES}
        self._numbers = capped_counts({name: (found, _most(name)) for name, found in rows.items()})

    @property
    def results(self) -> int:
        """The number that decides between singular and plural: "1+" is a plural."""
        return self._numbers[_RESULTS] + self._is_cut_off(self._lists[_RESULTS])

    @property
    def results_words(self) -> str:
        return self._words(_RESULTS)

    @property
    def results_note(self) -> str:
        """What the plus sign means; "" if the number is exact."""
        number = self._numbers[_RESULTS]
        if number > _MAX_RESULTS:
            return _("More than %(number)s messages") % {"number": _formatted(_MAX_RESULTS)}
        if not self._is_cut_off(self._lists[_RESULTS]):
            return ""
        values = {"number": _formatted(number), "newest": _formatted(_LOOKED_THROUGH)}
        return _("At least %(number)s: only the newest %(newest)s messages were counted") % values

    @property
    def stuck(self) -> list[tuple[Status, int, str]]:
        """For each status of stuck messages, their number, and the number in words."""
        if not self._counts_stuck:
            return []
        return [
            (status, self._numbers[status.name], self._shown(_RESULTS, self._numbers[status.name]))
            for status in _STUCK_STATUSES
            if self._numbers[status.name]
        ]

    def of_tab(self, view: View) -> str:
        """In words; "" if nothing was found, or if it was not counted."""
        return self._words(_name(view)) if self._numbers.get(_name(view)) else ""

    def _rows_of(self, name: str, user: Person) -> QuerySet[Any]:
        target = self._lists[name]
        if target.view is View.UNCONFIRMED:
            return target.unconfirmed_labels(user).order_by(*NEWEST_FIRST)
        return self._within_reach(target, target.messages(user).newest_first(target.order))

    def _within_reach(self, target: Criteria, rows: QuerySet[Any]) -> QuerySet[Any]:
        reach = self._reach if self._is_cut_off(target) else None
        return rows.filter(**{f"{target.order}__gte": reach}) if reach else rows

    def _is_cut_off(self, target: Criteria) -> bool:
        """Whether older messages of the list are not looked through."""
        if self._reach is None or _has_index(target):
            return False
        return target.starts_at is None or target.starts_at < self._reach

    def _words(self, name: str) -> str:
        return self._shown(name, self._numbers[name])

    def _shown(self, name: str, number: int) -> str:
        most = _most(name)
        is_minimum = number > most or self._is_cut_off(self._lists[name])
        return f"{_formatted(min(number, most))}{'+' if is_minimum else ''}"


def _formatted(number: int) -> str:
    return number_format(number, force_grouping=True)


def _has_index(target: Criteria) -> bool:
    """Whether an index has just the messages of this list."""
    finds_failed = target.view is View.FAILED or bool(target.reasons or target.retries)
    if target.view is View.UNCONFIRMED or not (finds_failed or target.view is View.GROUPS):
        return target.view is View.UNCONFIRMED
    period = {"chosen_period": None, "since": None, "until": None}
    # The Overview links to failures of most kinds: few entries of the index are of another kind.
    kinds = () if finds_failed else target.kinds
    without = target.replace(view=View.ALL, reasons=(), retries=(), kinds=kinds, **period)
    return not without.has_filters


def _reach(criteria: Criteria, user: Person) -> datetime | None:
    """The time of the oldest message to look through; None if the period has only few messages."""
    everything = Criteria(
        parse_search(""),
        instances=criteria.instances,
        chosen_period=None if criteria.has_dates else criteria.period,
        since=criteria.since,
        until=criteria.until,
        kinds=tuple(MessageKind),
        inbound=True,
    )
    newest = everything.messages(user).newest_first(everything.order)
    times = newest.values_list(str(everything.order), flat=True)
    return next(iter(times[_LOOKED_THROUGH : _LOOKED_THROUGH + 1]), None)


def _name(view: View) -> str:
    return f"{_TAB}{view.name}"


def _most(name: str) -> int:
    return _MAX_ON_TAB if name.startswith(_TAB) else _MAX_RESULTS
