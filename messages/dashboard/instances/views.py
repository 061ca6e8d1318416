"""The instance list, the form and the instance page. Actions are in `webhook_actions`."""

from typing import Any, Final

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import HttpResponseClientRefresh, HttpResponseStopPolling

from messages.accounts.audit import audit
from messages.accounts.scope import Viewer, limited_to
from messages.dashboard.incidents.stuck_rows import stuck_rows
from messages.dashboard.shared.address_display import Address
from messages.dashboard.shared.moments import moment
from messages.domain.render_context import fixed_render_context
from messages.incidents.incident_links import messages_page
from messages.incidents.presentation import in_queue, reconnect_advice
from messages.incidents.rules.disconnected import connection_changed_at
from messages.incidents.unconfirmed_messages import unconfirmed_counts
from messages.incidents.zapi_queue import queue_values
from messages.instances.bulk_jobs import start_for
from messages.instances.connect import AlreadyConnectedError, connect, sharing_client_token, update
from messages.instances.deletion import was_used
from messages.instances.foreign_webhooks import leave_unchanged
from messages.instances.push import queue_push
from messages.instances.sync import used_kinds, webhooks_of
from messages.instances.tags import set_tags
from messages.instances.token_checks import mismatches_of
from messages.instances.webhook_urls import why_push_is_off
from messages.models import (
    Action,
    BatchKind,
    Instance,
    OtherKind,
    Tag,
    TokenPolicy,
    Webhook,
    WebhookKind,
)
from messages.search.criteria import View

from .forms import CHOICES, InstanceForm, NewInstanceForm
from .instance_rows import connection_badge, payment_badge, row_of, rows, with_history
from .instance_search import InstanceSearch
from .strip import strips_of
from .webhook_panel import panel, steps

CHANGE = "whatsapp.change_instance"
PAGE_SIZE: Final = 50


@permission_required("whatsapp.view_instance", raise_exception=True)
@require_safe
@fixed_render_context()
def instance_list(request: HttpRequest) -> HttpResponse:
    search = InstanceSearch.read(request.GET)
    visible = limited_to(request.user, Instance.objects.active(), path="")
    found = rows(search.among(request.user), request.user)
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "search": search,
        "page": page,
        "rows": with_history(list(page.object_list)),
        "previous_url": page.has_previous() and search.url(page=page.previous_page_number()),
        "next_url": page.has_next() and search.url(page=page.next_page_number()),
        "archived": search.archived,
        "has_archived": limited_to(request.user, Instance.objects.archived(), path="").exists(),
        "tag": search.tag,
        "tags": Tag.objects.filter(instances__in=visible).distinct(),
        "why_off": why_push_is_off(),
    }
    return render(request, "dashboard/instances/list.html", context)


@permission_required("whatsapp.add_instance", raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def instance_add(request: HttpRequest) -> HttpResponse:
    form = NewInstanceForm(
        request.POST or None,
        initial={"hooks": [kind for kind, _label in CHOICES if kind in WebhookKind.values]},
    )
    if form.is_valid() and (instance := _connect(form)):
        audit(request, Action.INSTANCE_ADDED, about=instance)
        return _saved(request, form, instance)
    context = {"form": form, "why_off": why_push_is_off()}
    return render(request, "dashboard/instances/add.html", context)


@permission_required("whatsapp.view_instance", raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def instance_detail(request: HttpRequest, pk: int) -> HttpResponse:
    may_change = request.user.has_perm(CHANGE)
    if request.method != "POST" and (archived := _archived(request.user, pk)):
        return _show_archived(request, archived, may_change=may_change)
    instance = instance_of(request.user, pk)
    form = None
    if may_change:
        initial = _initial(instance)
        form = InstanceForm(request.POST or None, initial=initial, known_id=instance.zapi_id)
    if request.method == "POST":
        if form is None:
            raise PermissionDenied
        if form.is_valid():
            _update(request, form, instance)
            saved = _saved(request, form, instance)
            # Check the tokens now, while the person can correct them.
            is_checked = form.has_new_tokens and not form.wants_push
            return verify_soon(request, instance) if is_checked else saved
    context = _context(instance, request.user) | {"form": form, "may_change": may_change}
    if may_change:
        context["tokens"] = {
            "policies": TokenPolicy.choices,
            "mismatches": mismatches_of(instance),
            "refused": moment(instance.token_refused_at),
        }
        context["may_delete"] = not was_used(instance)
    return render(request, "dashboard/instances/detail.html", context)


@permission_required("whatsapp.view_instance", raise_exception=True)
@require_safe
def instance_steps(request: HttpRequest, pk: int) -> HttpResponse:
    """Return the updated part of the page, or 204 if nothing changed."""
    instance = instance_of(request.user, pk)
    progress = steps(instance)
    if request.GET.get("seen") == progress.digest:
        return HttpResponse(status=204) if progress.is_waiting else HttpResponseStopPolling()
    if request.GET.get("pushing") and not progress.is_pushing:
        # The result may add a question elsewhere on the page, so reload it.
        return HttpResponseClientRefresh()
    return render(request, "dashboard/instances/_steps.html", {"progress": progress})


def instance_of(user: Viewer, pk: int) -> Instance:
    active = Instance.objects.active().with_last_heard()
    instances = active.select_related("account").prefetch_related("webhooks")
    return get_object_or_404(limited_to(user, instances, path=""), pk=pk)


def _show_archived(request: HttpRequest, instance: Instance, *, may_change: bool) -> HttpResponse:
    context = {
        "instance": instance,
        "archived": moment(instance.archived_at),
        "may_change": may_change,
        "may_delete": may_change and not was_used(instance),
    }
    return render(request, "dashboard/instances/archived.html", context)


def _archived(user: Viewer, pk: int) -> Instance | None:
    return limited_to(user, Instance.objects.archived(), path="").filter(pk=pk).first()


def _initial(instance: Instance) -> dict[str, Any]:
    known = {one.kind: one for one in instance.webhooks.all()}
    unwanted = {kind for kind, one in known.items() if one.wanted is False}
    used = set(used_kinds(known))
    return {
        "name": instance.name,
        "tags": ", ".join(tag.name for tag in instance.tags.all()),
        "hooks": [kind for kind, _label in CHOICES if kind in used - unwanted],
    }


def _context(instance: Instance, user: Viewer) -> dict[str, Any]:
    row = row_of(instance, user)
    return {
        "instance": instance,
        "badge": row.badge,
        "days": strips_of([instance])[instance.pk][1],
        "connection": connection_badge(instance),
        "payment": payment_badge(instance),
        "taken": [(Webhook(kind=kind), url) for kind, url in sorted(instance.taken_urls.items())],
        "panel": panel(instance),
        "receipts_off": moment(instance.receipts_off_since),
        "queue": in_queue(queue) if (queue := queue_values(instance)) else "",
        "way_back": reconnect_advice(instance.status_error, instance.smartphone_connected)
        if instance.connected is False
        else "",
        "stuck": stuck_rows([instance]).get(instance.pk),
        "problems": row.problems,
        "unconfirmed": unconfirmed_counts([instance], timezone.now()).get(instance.pk),
        "unconfirmed_url": messages_page(instance, View.UNCONFIRMED).path,
        "upkeep": {
            "connection_changed": moment(connection_changed_at(instance)),
            "number": Address(instance.number),
            "previous_number": Address(instance.previous_number),
            "number_changed": moment(instance.number_changed_at),
            "due": moment(instance.due_at),
            "checked": moment(instance.checked_at),
            # A new instance is due at once, so its next check may be before the last push.
            "next_check": moment(instance.next_check_at)
            if instance.next_check_at > timezone.now()
            else None,
        },
        "sharing": limited_to(user, sharing_client_token(instance), path=""),
    }


def _connect(form: NewInstanceForm) -> Instance | None:
    data = form.cleaned_data
    secrets = {name: data[name] for name in ("token", "client_token")}
    try:
        return connect(name=data["name"], zapi_id=data["zapi_id"], **secrets)
    except AlreadyConnectedError as error:
        form.add_error("zapi_id", str(error))
        return None


def _update(request: HttpRequest, form: InstanceForm, instance: Instance) -> None:
    data = form.cleaned_data
    secrets = {name: data[name] for name in ("token", "client_token")}
    update(instance, name=data["name"], **secrets)
    audit(request, Action.INSTANCE_CHANGED, about=instance, details={"fields": form.changed_data})


def _saved(request: HttpRequest, form: InstanceForm, instance: Instance) -> HttpResponse:
    """Redirect after saving, and push or verify."""
    set_tags(instance, form.cleaned_data["tags"])
    _choose(instance, form.cleaned_data["hooks"])
    if form.wants_push:
        queue_push(webhooks_of(instance).values())
        audit(request, Action.WEBHOOK_PUSHED, about=instance)
        flash.success(request, _("Saved. Progress is shown below."))
    else:
        flash.success(request, _("Saved."))
    return redirect("dashboard:instance", instance.pk)


def _choose(instance: Instance, hooks: list[str]) -> None:
    """Save the chosen webhooks.

    A webhook that was left unchanged is pushed again when the user chooses it.
    """
    if OtherKind.RECEIVED in hooks:
        Webhook.objects.update_or_create(
            instance=instance, kind=OtherKind.RECEIVED, defaults={"wanted": True}
        )
        instance.refresh_from_db()
    for webhook in webhooks_of(instance).values():
        if webhook.kind == WebhookKind.MESSAGE_STATUS:
            continue
        if webhook.kind in hooks and webhook.wanted is False:
            webhook.wanted = True
            webhook.save(update_fields=["wanted"])
        elif webhook.kind not in hooks and webhook.wanted is not False:
            leave_unchanged(webhook)


def verify_soon(request: HttpRequest, instance: Instance) -> HttpResponse:
    """Queue a check and redirect to the page with its result."""
    user = request.user if isinstance(request.user, User) else None
    batch = start_for([instance], BatchKind.VERIFY, by=user)
    details = {"batch": batch.pk, "kind": batch.kind}
    audit(request, Action.BATCH_STARTED, about=instance, details=details)
    return redirect("dashboard:instance-batch", batch.pk)
