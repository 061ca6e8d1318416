from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from messages.instances.addresses import webhook_url
from messages.models import Callback, Instance, Message

from . import filters as filtering
from .addresses import Address
from .chronicle import Entry, chronicle
from .filters import Filters, Period
from .keyset import page_of
from .moments import Moment
from .rows import rows_of
from .sentence import sentence, why_no_read
from .timeline import headline, is_shared, recipients, steps

Viewer = User | AnonymousUser
# A large group's message has thousands of events; nobody reads them all, and a page must open.
MOST_SHOWN: Final = 300


@require_safe
@permission_required("whatsapp.view_message", raise_exception=True)
def message_list(request: HttpRequest) -> HttpResponse:
    filters = Filters.read(request.GET)
    instances = list(Instance.objects.all())
    page = page_of(filters.messages(), request.GET.dict())
    context: dict[str, Any] = {
        "filters": filters,
        "rows": rows_of(page.messages),
        "chips": list(filtering.chips(filters, instances)),
        "status_links": filtering.status_links(filters),
        "instance_links": filtering.instance_links(filters, instances),
        "period_links": filtering.period_links(filters),
        "inbound_url": filters.url(inbound=not filters.inbound),
        "all_time_url": filters.url(chosen_period=Period.ALL),
        "clear_url": reverse("dashboard:messages"),
        "older_url": page.older and filters.page_url(older=page.older),
        "newer_url": page.newer and filters.page_url(newer=page.newer),
    }
    if not page.messages:
        context["nothing"] = _why_nothing(filters, instances)
        context["webhooks"] = _webhooks_of(instances, request.user)
    return render(request, "dashboard/messages.html", context)


@require_safe
@permission_required("whatsapp.view_message", raise_exception=True)
def message_detail(request: HttpRequest, pk: int) -> HttpResponse:
    message = get_object_or_404(Message.objects.select_related("instance"), pk=pk)
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


def _why_nothing(filters: Filters, instances: list[Instance]) -> str:
    """The reason for an empty list, as templates/dashboard/_nothing.html names them."""
    if not instances:
        return "no instance"
    if not filters.inbound and replace(filters, inbound=True).messages().exists():
        return "only inbound"
    everything = replace(filters, chosen_period=Period.ALL)
    if filters.period is not Period.ALL and everything.messages().exists():
        return "only older"
    return "no match" if filters.is_narrowed else "nothing heard"


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
