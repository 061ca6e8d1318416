"""Messages that other software announced and that Z-API never confirmed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from messages import verdicts
from messages.accounts.masking import as_seen_by
from messages.accounts.scope import limited_to
from messages.dashboard.instances.instance_rows import connection_badge, webhook_badge
from messages.dashboard.shared.badges import Badge
from messages.dashboard.shared.moments import Moment, duration, moment
from messages.domain import render_context
from messages.incidents.unconfirmed_messages import unconfirmed_for
from messages.models import Instance, Label, Webhook, WebhookKind
from messages.models.label import LabelQuerySet
from messages.search.criteria import Criteria
from messages.search.keyset import read_page
from messages.search.querysets import message_set

from . import filter_links
from .message_rows import by_day
from .verdict_views import verdict_of

NEWEST_FIRST: Final = ("-awaited_since", "-id")
# The webhooks that report a message.
_REPORTING: Final = (WebhookKind.DELIVERY, WebhookKind.MESSAGE_STATUS)


@dataclass(frozen=True, slots=True)
class LabelRow:
    label: Label

    @property
    def listed_at(self) -> datetime:
        return self.label.awaited_since or self.label.updated_at

    @property
    def announced(self) -> Moment | None:
        return moment(self.label.awaited_since)

    @property
    def waiting(self) -> str:
        """How long Z-API has reported nothing, in words; '' if it is not late."""
        waiting = unconfirmed_for(self.label, timezone.now())
        return "" if waiting is None else duration(waiting)


def unconfirmed_context(
    request: HttpRequest, criteria: Criteria, labels: LabelQuerySet
) -> dict[str, Any]:
    """The rows of the view "Never confirmed"."""
    page = read_page(labels.select_related("instance"), request.GET.dict(), NEWEST_FIRST)
    rows = [LabelRow(one) for one in as_seen_by(request.user, page.rows)]
    return {
        "understood": criteria.search.description,
        "label_rows": rows,
        "days": by_day(rows),
        "nothing": "all confirmed",
        "older_url": page.older and filter_links.page_url(criteria, older=page.older),
        "newer_url": page.newer and filter_links.page_url(criteria, newer=page.newer),
    }


@require_safe
@permission_required("whatsapp.view_message", raise_exception=True)
def announced_message(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the page of a label whose message Z-API has not reported.

    Redirect to the message if Z-API has reported it.
    """
    labels = limited_to(request.user, Label.objects.select_related("instance"))
    label = get_object_or_404(labels, pk=pk)
    messages = message_set().filter(instance=label.instance).with_id(label.ids)
    if message := messages.values_list("pk", flat=True).first():
        return redirect("dashboard:message", message)
    expected = verdicts.announced_message(label)
    is_late = unconfirmed_for(label, render_context.now()) is not None
    is_active = label.instance.archived_at is None
    context = {
        "verdict": verdict_of(expected, request.user) if is_late else None,
        "queue_url": reverse("dashboard:announced-queue", args=[pk]) if is_active else "",
        "row": LabelRow(*as_seen_by(request.user, [label])),
        "connection": connection_badge(label.instance),
        "webhooks": _webhook_badges(label.instance),
    }
    return render(request, "dashboard/announced.html", context)


def _webhook_badges(instance: Instance) -> list[tuple[str, Badge]]:
    known = {webhook.kind: webhook for webhook in instance.webhooks.all()}
    found = (known.get(kind) or Webhook(instance=instance, kind=kind) for kind in _REPORTING)
    return [(one.get_kind_display(), webhook_badge(one)) for one in found]
