"""The links of the Messages page: tabs, filter menus and chips."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from django.contrib.auth.models import AnonymousUser, User
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from messages.accounts.masking import sees_phones
from messages.accounts.scope import Viewer
from messages.dashboard.shared.address_display import Address
from messages.dashboard.shared.moments import Moment, duration
from messages.dashboard.shared.views import path_of
from messages.domain.failures import FAILURES, NOT_GIVEN, REASONS, Retry, codes_alike
from messages.domain.message_kinds import COUNTED, MessageKind
from messages.domain.statuses import Status
from messages.models import Instance, SavedView, Tag
from messages.search.criteria import STATUSES, UNREADABLE, Criteria, Period, View
from messages.search.latency_ranges import LatencyRange
from messages.search.week_hours import WeekHour

Person = User | AnonymousUser
_T = TypeVar("_T")
_LATENCY_LABELS: Final = {
    "delivered": gettext_lazy("Delivered in: %(time)s"),
    "read": gettext_lazy("Read in: %(time)s"),
}
_MOMENT: Final = timedelta(microseconds=1)
_VIEWS_OF_STATUSES: Final = {View.STUCK, View.FAILED, View.NO_READ}


@dataclass(frozen=True, slots=True)
class Link:
    """A link to the list with one filter changed.

    `icon` is that of a status, or "". `count` says how many messages that list has, or "". `note`
    says whose shared view it is, or is "".
    """

    label: str | Promise
    url: str
    is_current: bool = False
    icon: str = ""
    count: str = ""
    note: str = ""


def list_url(criteria: Criteria, **changes: Any) -> str:
    """The URL of the list's first page, with some criteria changed."""
    return _messages_url(criteria.replace(**changes).query())


def page_url(criteria: Criteria, **cursor: object) -> str:
    return _messages_url(criteria.query() + [(name, str(value)) for name, value in cursor.items()])


def query_string(criteria: Criteria) -> str:
    return urlencode(criteria.query())


def hidden_inputs(criteria: Criteria) -> list[tuple[str, str]]:
    """The parameters that a new search keeps."""
    return [(name, value) for name, value in criteria.query() if name != "q"]


def view_criteria(criteria: Criteria) -> dict[View, Criteria]:
    """The lists to which the tabs lead. Each keeps the filters that do not contradict it."""
    return {view: criteria.replace(view=view, **_cleared_filters(view)) for view in View}


def view_links(criteria: Criteria, count: Callable[[View], str]) -> list[Link]:
    """The tabs of the built-in views, each with its count."""
    return [
        Link(view.label, list_url(target), view is criteria.view, count=count(view))
        for view, target in view_criteria(criteria).items()
    ]


def _cleared_filters(view: View) -> dict[str, Any]:
    """The filters that would contradict this view, cleared."""
    if view in _VIEWS_OF_STATUSES:
        failures = {} if view is View.FAILED else {"reasons": (), "retries": ()}
        return {"statuses": (), "reached": None} | failures
    if view is View.UNCONFIRMED:
        of_messages = ("statuses", "kinds", "reasons", "retries", "latencies")
        none = {"reached": None, "inbound": False, "week_hour": None}
        return dict.fromkeys(of_messages, ()) | none
    return {"kinds": ()} if view is View.GROUPS else {}


def saved_links(criteria: Criteria, saved: Iterable[SavedView], user: Person) -> list[Link]:
    current = query_string(criteria)
    return [
        Link(one.name, saved_view_url(one), one.query == current, note=shared_by(one, user))
        for one in saved
    ]


def shared_by(saved: SavedView, user: Person) -> str:
    """Who shares the view, or "" if nobody does."""
    if not saved.shared:
        return ""
    if saved.user_id == user.pk:
        return _("Shared by you")
    return _("Shared by %(name)s") % {"name": owner_name(saved)}


def owner_name(saved: SavedView) -> str:
    return saved.user.get_full_name() or saved.user.get_username()


def saved_view_url(saved: SavedView) -> str:
    path = path_of("messages")
    return f"{path}?{saved.query}" if saved.query else path


def status_links(criteria: Criteria) -> list[Link]:
    view = View.ALL if criteria.view in _VIEWS_OF_STATUSES else criteria.view
    return [
        Link(
            status.label,
            list_url(criteria, statuses=_toggle(criteria.statuses, status), view=view),
            status in criteria.statuses,
            status.icon,
        )
        for status in STATUSES
    ]


def stuck_links(criteria: Criteria, counts: Iterable[tuple[Status, int, str]]) -> list[Link]:
    """How many stuck messages wait where, each with the URL that lists only these."""
    return [
        Link(
            _waiting_words(status, number) % {"number": words},
            list_url(criteria, statuses=(status,)),
            (status,) == criteria.statuses,
        )
        for status, number, words in counts
    ]


def other_order_url(criteria: Criteria) -> str:
    """The stuck messages in the other order."""
    return list_url(criteria, newest_first=criteria.oldest_first)


def _waiting_words(status: Status, number: int) -> str:
    if status is Status.DISPATCHED:
        return ngettext(
            "%(number)s not sent by Z-API yet", "%(number)s not sent by Z-API yet", number
        )
    return ngettext(
        "%(number)s not delivered by WhatsApp yet",
        "%(number)s not delivered by WhatsApp yet",
        number,
    )


def kind_links(criteria: Criteria) -> list[Link]:
    view = View.ALL if criteria.view is View.GROUPS else criteria.view
    return [
        Link(
            kind.label,
            list_url(criteria, kinds=_toggle(criteria.kinds, kind), view=view),
            kind in criteria.kinds,
        )
        for kind in MessageKind
    ]


def reason_label(code: str) -> str:
    """A failure code in words."""
    if code in FAILURES:
        return str(FAILURES[code].text)
    return _("No reason given") if code == NOT_GIVEN else _("Not in the catalog of reasons")


def retry_links(criteria: Criteria) -> list[Link]:
    return [
        Link(
            retry.label,
            list_url(criteria, retries=_toggle(criteria.retries, retry)),
            retry in criteria.retries,
        )
        for retry in Retry
    ]


def instance_links(criteria: Criteria, instances: Iterable[Instance]) -> list[Link]:
    return [
        Link(
            instance.name,
            list_url(criteria, instances=_toggle(criteria.instances, instance.pk)),
            instance.pk in criteria.instances,
        )
        for instance in instances
    ]


def tag_links(criteria: Criteria, tags: Iterable[Tag]) -> list[Link]:
    return [
        Link(
            tag.name,
            list_url(criteria, tags=_toggle(criteria.tags, tag.name)),
            tag.name in criteria.tags,
        )
        for tag in tags
    ]


def period_links(criteria: Criteria) -> list[Link]:
    """Links to the periods. A period clears the dates.

    If only dates are set, no period is marked as current. The last 24 hours are only offered where
    they are current: for the Stuck view and for old links.
    """
    current = criteria.chosen_period if criteria.has_dates else criteria.period
    return [
        Link(
            period.label,
            list_url(criteria, chosen_period=period, since=None, until=None, week_hour=None),
            period is current,
        )
        for period in Period
        if period is not Period.DAY or period is current
    ]


def day_inputs(criteria: Criteria) -> list[tuple[str, str]]:
    """The parameters that the form of custom dates keeps."""
    return criteria.replace(chosen_period=None, since=None, until=None).query()


def days_of(criteria: Criteria) -> tuple[date | None, date | None]:
    """The first and the last day of the dates."""
    first = timezone.localdate(criteria.since) if criteria.since else None
    last = timezone.localdate(criteria.until - _MOMENT) if criteria.until else None
    return first, last


def all_time_url(criteria: Criteria) -> str:
    """The same list for all time; dates are kept."""
    return list_url(criteria, chosen_period=None if criteria.has_dates else Period.ALL)


def chips(criteria: Criteria, instances: Iterable[Instance], user: Viewer) -> Iterator[Link]:
    """A chip for each active filter, with the URL that removes it.

    The period has none: its button shows it.
    """
    if criteria.recipient:
        label = _recipient_label(criteria.recipient, user)
        yield Link(label, list_url(criteria, recipient=""))
    for status in criteria.statuses:
        label = _("Status: %(status)s") % {"status": status.label}
        fewer = _toggle(criteria.statuses, status)
        yield Link(label, list_url(criteria, statuses=fewer), icon=status.icon)
    for instance in instances:
        if instance.pk in criteria.instances:
            label = _("Instance: %(instance)s") % {"instance": instance.name}
            others = _toggle(criteria.instances, instance.pk)
            yield Link(label, list_url(criteria, instances=others))
    for tag in criteria.tags:
        label = _("Tag: %(tag)s") % {"tag": tag}
        yield Link(label, list_url(criteria, tags=_toggle(criteria.tags, tag)))
    yield from _outcome_chips(criteria)
    if criteria.kinds:
        yield Link(_kinds_label(criteria.kinds), list_url(criteria, kinds=()))
    yield from _time_chips(criteria)
    if criteria.inbound:
        yield Link(_("With messages from customers"), list_url(criteria, inbound=False))


def _kinds_label(kinds: Sequence[MessageKind]) -> str:
    # The Overview counts these kinds, so its links name them all.
    if tuple(kinds) == COUNTED:
        return _("Without channels")
    if tuple(kinds) == (MessageKind.GROUP, MessageKind.LIST):
        return _("Groups and lists")
    return ", ".join(str(kind.label) for kind in kinds)


def _recipient_label(address: str, user: Viewer) -> str:
    if address == UNREADABLE:
        return _("Recipient: the link can no longer be read")
    return _("Recipient: %(recipient)s") % {
        "recipient": Address(address).words(whole=sees_phones(user))
    }


def _outcome_chips(criteria: Criteria) -> Iterator[Link]:
    for label, codes in _chosen_reasons(criteria.reasons):
        others = tuple(code for code in criteria.reasons if code not in codes)
        yield Link(_("Reason: %(reason)s") % {"reason": label}, list_url(criteria, reasons=others))
    for retry in criteria.retries:
        yield Link(retry.label, list_url(criteria, retries=_toggle(criteria.retries, retry)))
    if criteria.reached:
        label = _("Reached: %(status)s") % {"status": criteria.reached.label}
        yield Link(label, list_url(criteria, reached=None), icon=criteria.reached.icon)


def _chosen_reasons(chosen: Sequence[str]) -> Iterator[tuple[str, Sequence[str]]]:
    """Each reason in words, with its codes. Only a part of a reason has the words of Z-API."""
    for alike in dict.fromkeys(map(codes_alike, chosen)):
        if set(alike) <= set(chosen):
            yield reason_label(alike[0]), alike
            continue
        for code in filter(chosen.__contains__, alike):
            yield f"“{REASONS[code]}”", [code]


def _time_chips(criteria: Criteria) -> Iterator[Link]:
    for one in criteria.latencies:
        label = latency_label(one)
        yield Link(label, list_url(criteria, latencies=_toggle(criteria.latencies, one)))
    if criteria.week_hour:
        yield Link(week_hour_label(criteria.week_hour), list_url(criteria, week_hour=None))


def latency_label(wanted: LatencyRange) -> str:
    words = _LATENCY_LABELS[wanted.latency]
    return words % {"time": range_label(wanted.over, wanted.within)}


def range_label(over: int, within: int | None) -> str:
    """A range of seconds in words."""
    shortest = duration(timedelta(seconds=over))
    if within is None:
        return _("more than %(duration)s") % {"duration": shortest}
    longest = duration(timedelta(seconds=within))
    return f"{shortest} – {longest}" if over else _("up to %(duration)s") % {"duration": longest}


def week_hour_label(wanted: WeekHour) -> str:
    day = WEEKDAYS[wanted.weekday]
    label = f"{day}, {wanted.hour:02}:00 – {wanted.hour:02}:59"
    is_own = wanted.zone == timezone.get_current_timezone_name()
    return label if is_own else f"{label} ({wanted.zone})"


def date_range(criteria: Criteria) -> str:
    """The dates of the filter in the viewer's time zone; "" if there are none."""
    if not criteria.has_dates:
        return ""
    if _are_whole_days(criteria):
        return _day_range(criteria)
    since = Moment(criteria.since) if criteria.since else None
    until = Moment(criteria.until) if criteria.until else None
    if since and until:
        last = until.minute if since.day == until.day else until.to_the_minute
        return f"{since.to_the_minute} – {last}"
    if since:
        return _("Since %(since)s") % {"since": since.to_the_minute}
    return _("Before %(until)s") % {"until": until.to_the_minute} if until else ""


def period_label(criteria: Criteria) -> str:
    """The dates, or the period if there are none; both if the query names both."""
    period = criteria.chosen_period if criteria.has_dates else criteria.period
    return " · ".join(filter(None, [date_range(criteria), period and str(period.label)]))


def _are_whole_days(criteria: Criteria) -> bool:
    dates = filter(None, (criteria.since, criteria.until))
    return all(timezone.localtime(one).time() == time() for one in dates)


def _day_range(criteria: Criteria) -> str:
    since = Moment(criteria.since).day if criteria.since else ""
    until = Moment(criteria.until - _MOMENT).day if criteria.until else ""
    if not until:
        return _("Since %(since)s") % {"since": since}
    if not since:
        return _("Until %(until)s") % {"until": until}
    return since if since == until else f"{since} – {until}"


def _toggle(chosen: Sequence[_T], item: _T) -> tuple[_T, ...]:
    return tuple(one for one in chosen if one != item) if item in chosen else (*chosen, item)


def _messages_url(query: list[tuple[str, str]]) -> str:
    path = path_of("messages")
    return f"{path}?{urlencode(query)}" if query else path
