"""The rows of a message list."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, cached_property
from itertools import groupby
from typing import Final, Generic, Protocol, TypeVar

from django.urls import reverse
from django.utils.translation import gettext as _

from messages.accounts.masking import as_seen_by, mask_text, sees_phones
from messages.accounts.scope import Viewer
from messages.answers import Response, responses_of
from messages.dashboard.incidents.incident_rows import IncidentRow, why_stuck
from messages.dashboard.shared.address_display import Address
from messages.dashboard.shared.moments import Moment, between, duration
from messages.domain import render_context
from messages.domain.statuses import Status
from messages.incidents import stuck_messages
from messages.labels import Labels, labels_of
from messages.models import Label, Message
from messages.models.message import Report, reports_of
from messages.search.querysets import Order

from .mini_timeline import MiniTimeline
from .timeline import Headline, headline, headline_of

_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True)
class Row:
    """`listed_at` is the time by which the list is sorted."""

    message: Message
    headline: Headline
    listed_at: datetime
    label: Label | None = None
    stuck_for: str = ""
    why_stuck: IncidentRow | None = None
    response: Response | None = None

    @property
    def response_words(self) -> str:
        """The response to a message without read confirmation: "Answered +3 min"; "" if none."""
        if self.response is None or self.message.read_at:
            return ""
        at = self.response.answered_at or self.response.wrote_at
        kind = self.response.kind
        before = self.message.delivered_at or self.message.sent_at
        gap = f" +{duration(between(before, at))}" if at and before and at >= before else ""
        return f"{kind.label if kind else _('Wrote to us')}{gap}"

    @property
    def url(self) -> str:
        before, after = _url_parts()
        return f"{before}{self.message.pk}{after}"

    @property
    def address(self) -> Address:
        return Address(self.message.phone)

    @cached_property
    def timeline(self) -> MiniTimeline:
        return MiniTimeline(self.message)

    @property
    def started(self) -> Moment:
        return Moment(self.message.started_at)

    @property
    def started_words(self) -> str:
        """The clock time; with its day if that is not the day under which the list shows it."""
        return self.started.minute if self._started_that_day else self.started.listed

    @property
    def listed(self) -> Moment:
        return Moment(self.listed_at)

    @property
    def _started_that_day(self) -> bool:
        return self.started.date == self.listed.date

    @property
    def why_waiting(self) -> str:
        """Why a stuck message is not delivered, as far as known."""
        if self.why_stuck:
            return self.why_stuck.title
        if self.message.rank == Status.SENT.rank:
            return _("WhatsApp has not delivered it")
        return _("Z-API has not sent it")


class _Listed(Protocol):
    @property
    def listed_at(self) -> datetime: ...


_L = TypeVar("_L", bound=_Listed)


@dataclass(frozen=True, slots=True)
class Day(Generic[_L]):
    heading: str
    rows: list[_L]


@cache
def _url_parts() -> tuple[str, str]:
    """The parts of the URL before and after the primary key.

    Calling reverse() for 50 rows would take a tenth of the page's time.
    """
    before, _number, after = reverse("dashboard:message", args=[0]).rpartition("0")
    return before, after


def by_day(rows: Iterable[_L]) -> list[Day[_L]]:
    """The rows of a list under its days."""
    days = groupby(rows, key=lambda row: Moment(row.listed_at).heading)
    return [Day(heading, list(some)) for heading, some in days]


def rows_of(messages: Sequence[Message], user: Viewer, order: Order = Order.HEARD) -> list[Row]:
    reports = _reports_of([one for one in messages if _needs_reports(one)], user)
    labels = labels_for(user, messages)
    waiting = {one.pk: stuck_for(one) for one in messages}
    responses = responses_of([one.pk for one in messages if not one.inbound])
    reasons = why_stuck([one for one in messages if waiting[one.pk]], user)
    return [
        Row(
            message,
            _headline(message, reports.get(message.pk, [])),
            getattr(message, order),
            labels.get((message.instance_id, message.zapi_id)),
            waiting[message.pk],
            reasons.get(message.pk),
            responses.get(message.pk),
        )
        for message in as_seen_by(user, messages)
    ]


def stuck_for(message: Message) -> str:
    """How long the message has been stuck, in words; "" if it is not stuck."""
    waiting = stuck_messages.stuck_for(message, render_context.now())
    return "" if waiting is None else duration(waiting // _MINUTE * _MINUTE)


def labels_for(user: Viewer, messages: Sequence[Message]) -> Labels:
    """The messages' labels, masked for `user`."""
    labels = labels_of(messages)
    as_seen_by(user, labels.values())
    return labels


def _needs_reports(message: Message) -> bool:
    """Whether the headline needs the events: several recipients, or a status without a rank."""
    return message.is_group or message.several or message.rank == 0


def _reports_of(messages: Sequence[Message], user: Viewer) -> dict[int, list[Report]]:
    found = reports_of([message.pk for message in messages])
    if sees_phones(user):
        return found
    return {pk: list(map(_masked, reports)) for pk, reports in found.items()}


def _masked(report: Report) -> Report:
    return report._replace(reason=mask_text(report.reason), raw_status=mask_text(report.raw_status))


def _headline(message: Message, reports: Sequence[Report]) -> Headline:
    if reports:
        return headline(reports)
    contradicted = message.failed_at is not None and message.rank > Status.FAILED.rank
    return headline_of(message.status, message.failure, contradicted=contradicted)
