"""What the address of the Messages page asks for, and the addresses of its neighbours."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, Self, TypeVar
from urllib.parse import urlencode

from django.db.models import TextChoices
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from messages.models import Instance
from messages.statuses import Status

from .queries import MessageQuerySet, message_set
from .search import Search, understand


class Period(TextChoices):
    DAY = "24h", gettext_lazy("Last 24 hours")
    WEEK = "7d", gettext_lazy("Last 7 days")
    MONTH = "30d", gettext_lazy("Last 30 days")
    ALL = "all", gettext_lazy("All time")


_LENGTHS: Final = {
    Period.DAY: timedelta(days=1),
    Period.WEEK: timedelta(days=7),
    Period.MONTH: timedelta(days=30),
}
_T = TypeVar("_T")

STATUSES: Final = (
    Status.ACCEPTED,
    Status.SENT,
    Status.RECEIVED,
    Status.READ,
    Status.PLAYED,
    Status.FAILED,
    Status.UNKNOWN,
)


@dataclass(frozen=True, slots=True)
class Link:
    """One choice: where it leads, and whether it is taken. `icon` is a status's, or ''."""

    label: str | Promise
    url: str
    is_current: bool = False
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Filters:
    """`chosen_period` is None where the address names none: a week, or all time for a search."""

    search: Search
    statuses: tuple[Status, ...] = ()
    instances: tuple[int, ...] = ()
    chosen_period: Period | None = None
    inbound: bool = False

    @classmethod
    def read(cls, query: QueryDict) -> Self:
        """Take what makes sense; what does not is as good as absent."""
        period = query.get("period", "")
        return cls(
            search=understand(query.get("q", "")),
            statuses=tuple(s for s in STATUSES if s.lower() in query.getlist("status")),
            instances=_numbers(query.getlist("instance")),
            chosen_period=Period(period) if period in Period.values else None,
            inbound=query.get("inbound") == "1",
        )

    @property
    def period(self) -> Period:
        return self.chosen_period or (Period.ALL if self.search else Period.WEEK)

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the period holds messages back."""
        return bool(self.search or self.statuses or self.instances)

    def messages(self) -> MessageQuerySet:
        found = message_set().select_related("instance")
        if not self.inbound:
            found = found.outbound()
        if self.period in _LENGTHS:
            found = found.heard_since(timezone.now() - _LENGTHS[self.period])
        if self.instances:
            found = found.of_instances(self.instances)
        if self.statuses:
            found = found.with_status(self.statuses)
        return found.matching(self.search) if self.search else found

    def url(self, **changes: Any) -> str:
        """The address of these filters with some of them changed, on its first page."""
        return _address(replace(self, **changes)._query())

    def page_url(self, **cursor: object) -> str:
        return _address(self._query() + [(name, str(value)) for name, value in cursor.items()])

    def hidden_inputs(self) -> list[tuple[str, str]]:
        """What a new search keeps: everything but the old text."""
        return [(name, value) for name, value in self._query() if name != "q"]

    def _query(self) -> list[tuple[str, str]]:
        return [
            *([("q", self.search.text)] if self.search else []),
            *(("status", status.lower()) for status in self.statuses),
            *(("instance", str(pk)) for pk in self.instances),
            *([("period", self.chosen_period.value)] if self.chosen_period else []),
            *([("inbound", "1")] if self.inbound else []),
        ]


def status_links(filters: Filters) -> list[Link]:
    return [
        Link(
            status.label,
            filters.url(statuses=_toggled(filters.statuses, status)),
            status in filters.statuses,
            status.icon,
        )
        for status in STATUSES
    ]


def instance_links(filters: Filters, instances: Iterable[Instance]) -> list[Link]:
    return [
        Link(
            instance.name,
            filters.url(instances=_toggled(filters.instances, instance.pk)),
            instance.pk in filters.instances,
        )
        for instance in instances
    ]


def period_links(filters: Filters) -> list[Link]:
    return [
        Link(period.label, filters.url(chosen_period=period), period is filters.period)
        for period in Period
    ]


def chips(filters: Filters, instances: Iterable[Instance]) -> Iterator[Link]:
    """What narrows the list beyond its default, each with the address that lifts it."""
    for status in filters.statuses:
        label = _("Status: %(status)s") % {"status": status.label}
        yield Link(
            label, filters.url(statuses=_toggled(filters.statuses, status)), icon=status.icon
        )
    for instance in instances:
        if instance.pk in filters.instances:
            label = _("Instance: %(instance)s") % {"instance": instance.name}
            yield Link(label, filters.url(instances=_toggled(filters.instances, instance.pk)))
    if filters.chosen_period:
        yield Link(filters.chosen_period.label, filters.url(chosen_period=None))
    if filters.inbound:
        yield Link(_("With inbound messages"), filters.url(inbound=False))


def _toggled(chosen: Sequence[_T], item: _T) -> tuple[_T, ...]:
    return tuple(one for one in chosen if one != item) if item in chosen else (*chosen, item)


def _numbers(texts: Iterable[str]) -> tuple[int, ...]:
    numbers = {int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 19}
    return tuple(sorted(numbers))


def _address(query: list[tuple[str, str]]) -> str:
    path = reverse("dashboard:messages")
    return f"{path}?{urlencode(query)}" if query else path
