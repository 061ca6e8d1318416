"""The links of the Messages page: every filter as an address, and every chip as one without it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from messages.dashboard.shared.moments import Moment
from messages.dashboard.shared.views import path_of
from messages.models import Instance, SavedView
from messages.search.criteria import STATUSES, Criteria, Period, View

_T = TypeVar("_T")
_VIEWS_OF_STATUSES: Final = {View.STUCK, View.FAILED, View.NO_READ}


@dataclass(frozen=True, slots=True)
class Link:
    """One choice: where it leads, and whether it is taken. `icon` is a status's, or ''."""

    label: str | Promise
    url: str
    is_current: bool = False
    icon: str = ""


def address_of(criteria: Criteria, **changes: Any) -> str:
    """The address of these criteria with some of them changed, on its first page."""
    return _address(criteria.replace(**changes).query())


def page_url(criteria: Criteria, **cursor: object) -> str:
    return _address(criteria.query() + [(name, str(value)) for name, value in cursor.items()])


def encoded(criteria: Criteria) -> str:
    return urlencode(criteria.query())


def hidden_inputs(criteria: Criteria) -> list[tuple[str, str]]:
    """What a new search keeps: everything but the old text."""
    return [(name, value) for name, value in criteria.query() if name != "q"]


def view_links(criteria: Criteria) -> list[Link]:
    """The built-in views; each keeps the filters that it does not contradict."""
    return [
        Link(
            view.label, address_of(criteria, view=view, **_in_place_of(view)), view is criteria.view
        )
        for view in View
    ]


def _in_place_of(view: View) -> dict[str, Any]:
    """What would ask for other statuses, or for no groups, beside this view."""
    if view in _VIEWS_OF_STATUSES:
        return {"statuses": (), "reached": None}
    return {"groups": None} if view is View.GROUPS else {}


def saved_links(criteria: Criteria, saved: Iterable[SavedView]) -> list[Link]:
    current = encoded(criteria)
    return [Link(one.name, saved_view_url(one), one.query == current) for one in saved]


def saved_view_url(saved: SavedView) -> str:
    path = path_of("messages")
    return f"{path}?{saved.query}" if saved.query else path


def status_links(criteria: Criteria) -> list[Link]:
    view = View.ALL if criteria.view in _VIEWS_OF_STATUSES else criteria.view
    return [
        Link(
            status.label,
            address_of(criteria, statuses=_toggled(criteria.statuses, status), view=view),
            status in criteria.statuses,
            status.icon,
        )
        for status in STATUSES
    ]


def instance_links(criteria: Criteria, instances: Iterable[Instance]) -> list[Link]:
    return [
        Link(
            instance.name,
            address_of(criteria, instances=_toggled(criteria.instances, instance.pk)),
            instance.pk in criteria.instances,
        )
        for instance in instances
    ]


def period_links(criteria: Criteria) -> list[Link]:
    """Each in the place of dates; while there are dates and no period, none is current."""
    current = criteria.chosen_period if criteria.has_dates else criteria.period
    return [
        Link(
            period.label,
            address_of(criteria, chosen_period=period, since=None, until=None),
            period is current,
        )
        for period in Period
    ]


def all_time_url(criteria: Criteria) -> str:
    """The same without a period; dates are kept."""
    return address_of(criteria, chosen_period=None if criteria.has_dates else Period.ALL)


def chips(criteria: Criteria, instances: Iterable[Instance]) -> Iterator[Link]:
    """What narrows the list beyond its default, each with the address that lifts it."""
    for status in criteria.statuses:
        label = _("Status: %(status)s") % {"status": status.label}
        fewer = _toggled(criteria.statuses, status)
        yield Link(label, address_of(criteria, statuses=fewer), icon=status.icon)
    for instance in instances:
        if instance.pk in criteria.instances:
            label = _("Instance: %(instance)s") % {"instance": instance.name}
            others = _toggled(criteria.instances, instance.pk)
            yield Link(label, address_of(criteria, instances=others))
    if criteria.reached:
        label = _("Reached: %(status)s") % {"status": criteria.reached.label}
        yield Link(label, address_of(criteria, reached=None), icon=criteria.reached.icon)
    if criteria.groups is not None:
        label = _("Groups only") if criteria.groups else _("Without groups")
        yield Link(label, address_of(criteria, groups=None))
    if criteria.has_dates:
        yield Link(dates(criteria), address_of(criteria, since=None, until=None))
    if criteria.chosen_period:
        yield Link(criteria.chosen_period.label, address_of(criteria, chosen_period=None))
    if criteria.inbound:
        yield Link(_("With messages from customers"), address_of(criteria, inbound=False))


def dates(criteria: Criteria) -> str:
    """In the viewer's zone; '' where none are named. Not of sending: some failed unsent."""
    if not criteria.has_dates:
        return ""
    since = Moment(criteria.since).brief if criteria.since else ""
    until = Moment(criteria.until).brief if criteria.until else ""
    if not until:
        return _("Since %(since)s") % {"since": since}
    if not since:
        return _("Before %(until)s") % {"until": until}
    return _("From %(since)s to %(until)s") % {"since": since, "until": until}


def _toggled(chosen: Sequence[_T], item: _T) -> tuple[_T, ...]:
    return tuple(one for one in chosen if one != item) if item in chosen else (*chosen, item)


def _address(query: list[tuple[str, str]]) -> str:
    path = path_of("messages")
    return f"{path}?{urlencode(query)}" if query else path
