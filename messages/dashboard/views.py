from collections.abc import Sequence
from typing import Any, Final

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from messages.access.scope import Viewer, limited_to, visible_instances
from messages.finding.criteria import Criteria, Period
from messages.finding.keyset import page_of
from messages.finding.matches import matches_of
from messages.instances.addresses import webhook_url
from messages.models import Callback, Instance, Message

from . import filters
from .addresses import Address
from .chronicle import Entry, chronicle
from .moments import Moment
from .rows import rows_of
from .sentence import sentence, why_no_read
from .timeline import headline, is_shared, recipients, steps

# A large group's message has thousands of events; nobody reads them all, and a page must open.
MOST_SHOWN: Final = 300


@require_safe
@permission_required("whatsapp.view_message", raise_exception=True)
def message_list(request: HttpRequest) -> HttpResponse:
    criteria = Criteria.read(request.GET)
    instances = list(visible_instances(request.user))
    matches = matches_of(criteria.search, request.user)
    page = page_of(criteria.messages(request.user, matches), request.GET.dict())
    context: dict[str, Any] = {
        "criteria": criteria,
        "understood": f"{criteria.search.understood} {matches.understood}".strip(),
        "hidden_inputs": filters.hidden_inputs(criteria),
        "rows": rows_of(page.messages),
        "chips": list(filters.chips(criteria, instances)),
        "status_links": filters.status_links(criteria),
        "instance_links": filters.instance_links(criteria, instances),
        "period_links": filters.period_links(criteria),
        "inbound_url": filters.address_of(criteria, inbound=not criteria.inbound),
        "all_time_url": filters.address_of(criteria, chosen_period=Period.ALL),
        "clear_url": reverse("dashboard:messages"),
        "older_url": page.older and filters.page_address(criteria, older=page.older),
        "newer_url": page.newer and filters.page_address(criteria, newer=page.newer),
    }
    if not page.messages:
        context["nothing"] = _why_nothing(criteria, instances, request.user)
        context["webhooks"] = _webhooks_of(instances, request.user)
    return render(request, "dashboard/messages.html", context)


@require_safe
@permission_required("whatsapp.view_message", raise_exception=True)
def message_detail(request: HttpRequest, pk: int) -> HttpResponse:
    visible = limited_to(request.user, Message.objects.select_related("instance"))
    message = get_object_or_404(visible, pk=pk)
    events = list(message.events.all())
    found, entries = headline(events), chronicle(events)
    people = recipients(events) if is_shared(events) or message.several else ()
    context = {
        "message": message,
        "address": Address(message.phone),
        "first_heard": Moment(message.first_heard_at),
        "headline": found,
        "sentence": sentence(events),
        "why_no_read": why_no_read(found),
        "steps": steps(events),
        "by_us": next((entry for entry in entries if entry.is_by_us), None),
        "people": people[:MOST_SHOWN],
        "people_left_out": max(0, len(people) - MOST_SHOWN),
        "entries": entries[:MOST_SHOWN],
        "left_out": max(0, len(entries) - MOST_SHOWN),
        "callbacks": _callbacks_of(entries[:MOST_SHOWN], request.user),
    }
    return render(request, "dashboard/message.html", context)


def _why_nothing(criteria: Criteria, instances: list[Instance], user: Viewer) -> str:
    """The reason for an empty list, as templates/dashboard/_nothing.html names them."""
    if not instances:
        return "no instance"
    if not criteria.inbound and criteria.but(inbound=True).messages(user).exists():
        return "only inbound"
    everything = criteria.but(chosen_period=Period.ALL)
    if criteria.period is not Period.ALL and everything.messages(user).exists():
        return "only older"
    return "no match" if criteria.is_narrowed else "nothing heard"


def _webhooks_of(instances: Sequence[Instance], user: Viewer) -> list[tuple[Instance, str]]:
    """Where Z-API should call, for those who may know: the address holds a secret."""
    if not user.has_perm("whatsapp.change_instance"):
        return []
    return [(one, webhook_url(one)) for one in instances if not one.archived_at]


def _callbacks_of(entries: Sequence[Entry], user: Viewer) -> list[Callback]:
    """The evidence, for those who may see it: the first callback behind each event."""
    if not user.has_perm("whatsapp.view_callback"):
        return []
    ids = {entry.event.callback_id for entry in entries}
    found = Callback.objects.filter(pk__in=ids).order_by("received_at", "id")
    return list(found)
