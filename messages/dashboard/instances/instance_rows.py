"""Rows of the instance list, problems first, with a fixed number of queries."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from messages.accounts.scope import Viewer
from messages.dashboard.incidents.incident_rows import (
    IncidentRow,
    open_by_instance,
    severity,
)
from messages.dashboard.incidents.stuck_rows import StuckRow, stuck_rows
from messages.dashboard.shared.badges import Badge
from messages.dashboard.shared.moments import Moment, moment
from messages.incidents.incident_links import messages_page
from messages.incidents.rules.expiring import WARNED_BEFORE, unpaid_status
from messages.incidents.unconfirmed_messages import unconfirmed_counts
from messages.instances.callback_filters import filtered_webhooks
from messages.instances.sync import is_taken
from messages.models import (
    IncidentKind,
    Instance,
    InstanceQuerySet,
    Tag,
    Webhook,
    WebhookKind,
    WebhookState,
)
from messages.search.criteria import View

from .day_figures import DayFigures, day_figures
from .strip import Strip, strips_of

_TROUBLE = {
    WebhookState.DIFFERS: 4,
    WebhookState.UNREACHABLE: 3,
    WebhookState.NEVER_VERIFIED: 2,
    WebhookState.OFF: 1,
    WebhookState.IN_SYNC: 0,
}
# The instance itself shows these, and is more current than its incident.
_STATES = (IncidentKind.DISCONNECTED, IncidentKind.WEBHOOK, IncidentKind.FILTERED)
_LOOKS = {
    WebhookState.UNREACHABLE: ("warning", "stuck"),
    WebhookState.NEVER_VERIFIED: ("plain", "unknown"),
    WebhookState.OFF: ("plain", "close"),
    WebhookState.IN_SYNC: ("success", "ok"),
}


@dataclass(frozen=True, slots=True)
class InstanceRow:
    """A row. `webhook` is the one with the most serious problem.

    `problems` are all open ones, the most severe first. `figures` and the strips are only set for
    rows that are shown.
    """

    instance: Instance
    webhook: Webhook
    problems: Sequence[IncidentRow] = ()
    stuck: StuckRow | None = None
    unconfirmed: int = 0
    figures: DayFigures | None = None
    hours: Strip | None = None
    days: Strip | None = None

    @property
    def url(self) -> str:
        return _page_of(self.instance.pk)

    @property
    def unconfirmed_url(self) -> str:
        return messages_page(self.instance, View.UNCONFIRMED).path

    @property
    def badge(self) -> Badge:
        """The worst that is wrong with the instance, or its connection."""
        if self._shown_problem:
            return self._shown_problem.badge
        if self._worst_kind in {IncidentKind.WEBHOOK, IncidentKind.FILTERED}:
            return self._webhook_badge
        return connection_badge(self.instance)

    @property
    def lines(self) -> list[tuple[str, Badge]]:
        """What the badge does not show of the connection and the webhook."""
        number, webhook = connection_badge(self.instance), self._webhook_badge
        lines = ((_("Number:"), number), (_("Webhook:"), webhook))
        return [(words, badge) for words, badge in lines if badge != self.badge]

    @property
    def _worst_kind(self) -> IncidentKind | None:
        """The most severe of what the instance shows and of its other open problems."""
        kinds = [one.kind for one in self.problems if one.kind not in _STATES]
        if self.instance.connected is False:
            kinds.append(IncidentKind.DISCONNECTED)
        if self.webhook.state == WebhookState.DIFFERS:
            kinds.append(IncidentKind.WEBHOOK)
        if self._is_filtered:
            kinds.append(IncidentKind.FILTERED)
        return min(kinds, key=severity, default=None)

    @property
    def _shown_problem(self) -> IncidentRow | None:
        """The problem in the badge, unless the instance itself shows it."""
        worst = self._worst_kind
        if worst in _STATES:
            return None
        return next((one for one in self.problems if one.kind == worst), None)

    @property
    def _webhook_badge(self) -> Badge:
        """The state of the webhook, or that a filter blocks callbacks although it is in sync."""
        if self._is_filtered:
            return Badge("danger", "stuck", _("Callbacks filtered"))
        return webhook_badge(self.webhook)

    @property
    def has_needs(self) -> bool:
        return bool(
            self.problems
            or self.stuck
            or self.unconfirmed
            or self.instance.receipts_off_since
            or self.payment
        )

    @property
    def problem(self) -> str:
        """The problem, with the name of the webhook unless it is the main one."""
        words = self.webhook.problem_text
        if not words or self.webhook.kind == WebhookKind.MESSAGE_STATUS:
            return words
        return f"{self.webhook.get_kind_display()}: {words}"

    @property
    def last_heard(self) -> Moment | None:
        return moment(self.instance.last_heard_at)

    @property
    def reason(self) -> str:
        """Why it does not work; '' if it does."""
        if self.instance.connected is False and self.instance.connection_reason:
            return self.instance.connection_reason
        return self._shown_problem.description if self._shown_problem else self.problem

    @property
    def payment(self) -> Badge | None:
        return payment_badge(self.instance)

    @property
    def _is_filtered(self) -> bool:
        return bool(filtered_webhooks(self.instance, self.instance.webhooks.all()))

    @property
    def tags(self) -> list[Tag]:
        return list(self.instance.tags.all())

    @property
    def trouble(self) -> tuple[int, int, int, int, int, bool]:
        """The sort key: the instance with the worst badge last."""
        payment, worst = self.payment, self._worst_kind
        return (
            -severity(worst) if worst else -len(IncidentKind),
            _TROUBLE[WebhookState(self.webhook.state)],
            ("", "warning", "danger").index(payment.tone if payment else ""),
            self.unconfirmed,
            self.stuck.number if self.stuck else 0,
            self.instance.last_heard_at is None,
        )


def row_of(instance: Instance, user: Viewer) -> InstanceRow:
    """Only what the page of an instance shows in its badge."""
    return InstanceRow(instance, _worst(instance), open_by_instance(user).get(instance.pk, ()))


def rows(instances: InstanceQuerySet, user: Viewer) -> list[InstanceRow]:
    """Return all rows, sorted by their problems."""
    problems = open_by_instance(user)
    listed = list(instances.with_last_heard().prefetch_related("webhooks", "tags"))
    stuck = stuck_rows(listed)
    unconfirmed = unconfirmed_counts(listed, timezone.now())
    found = [
        InstanceRow(
            one,
            _worst(one),
            problems.get(one.pk, ()),
            stuck.get(one.pk),
            unconfirmed[one.pk].number if one.pk in unconfirmed else 0,
        )
        for one in listed
    ]
    return sorted(found, key=lambda row: row.trouble, reverse=True)


def with_history(shown: Sequence[InstanceRow]) -> list[InstanceRow]:
    """Add the figures and strips, in two queries."""
    instances = [row.instance for row in shown]
    figures, strips = day_figures(instances), strips_of(instances)
    return [
        replace(row, figures=figures.get(pk), hours=strips[pk][0], days=strips[pk][1])
        for row in shown
        for pk in [row.instance.pk]
    ]


def connection_badge(instance: Instance) -> Badge:
    match instance.connected:
        case True:
            return Badge("success", "ok", pgettext("instance", "Connected"))
        case False:
            return Badge("danger", "failed", pgettext("instance", "Disconnected"))
        case _:
            return Badge("plain", "unknown", _("Unknown"))


def webhook_badge(webhook: Webhook) -> Badge:
    state = WebhookState(webhook.state)
    if state == WebhookState.DIFFERS:
        is_foreign = is_taken(webhook)
        words = _("Used by another system") if is_foreign else IncidentKind.WEBHOOK.label
        return Badge("danger", "stuck", words)
    return Badge(*_LOOKS[state], state.label)


def payment_badge(instance: Instance) -> Badge | None:
    """Return a badge if the payment is overdue or ends soon."""
    left = instance.due_at - timezone.now() if instance.due_at else None
    words = {"day": Moment(instance.due_at).day} if instance.due_at else {}
    if left is not None and left <= timedelta(0):
        return Badge("danger", "failed", _("Paid only until %(day)s") % words)
    if status := unpaid_status(instance):
        return Badge("danger", "failed", _("Payment: %s") % status)
    if left is not None and left <= WARNED_BEFORE:
        return Badge("warning", "stuck", _("Paid until %(day)s") % words)
    return None


# A list has a hundred of them, and reverse() is slow.
@lru_cache(maxsize=1024)
def _page_of(pk: int) -> str:
    return reverse("dashboard:instance", args=[pk])


def _worst(instance: Instance) -> Webhook:
    wanted = [webhook for webhook in instance.webhooks.all() if webhook.is_wanted]
    # If several webhooks have the same problem, choose the one for message statuses.
    return max(
        wanted,
        key=lambda one: (_TROUBLE[WebhookState(one.state)], one.kind == WebhookKind.MESSAGE_STATUS),
        default=Webhook(instance=instance, kind=WebhookKind.MESSAGE_STATUS),
    )
