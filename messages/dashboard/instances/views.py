from typing import Any

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from messages.instances.addresses import why_push_is_off
from messages.instances.connect import AlreadyConnectedError, connect, sharing, update
from messages.instances.push import push
from messages.instances.verify import verify
from messages.models import Instance

from .forms import InstanceForm, NewInstanceForm
from .panel import panel
from .rows import connection_badge, rows

CHANGE = "whatsapp.change_instance"


@permission_required("whatsapp.view_instance", raise_exception=True)
@require_safe
def instance_list(request: HttpRequest) -> HttpResponse:
    return render(request, "dashboard/instances/list.html", {"rows": rows()})


@permission_required("whatsapp.add_instance", raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def instance_add(request: HttpRequest) -> HttpResponse:
    form = NewInstanceForm(request.POST or None)
    if form.is_valid() and (instance := _connect(form)):
        return _saved(request, form, instance)
    context = {"form": form, "why_off": why_push_is_off()}
    return render(request, "dashboard/instances/add.html", context)


@permission_required("whatsapp.view_instance", raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def instance_detail(request: HttpRequest, pk: int) -> HttpResponse:
    instance = _instance(pk)
    may_change = request.user.has_perm(CHANGE)
    form = None
    if may_change:
        form = InstanceForm(request.POST or None, initial={"name": instance.name})
    if request.method == "POST":
        if form is None:
            raise PermissionDenied
        if form.is_valid():
            return _saved(request, form, update(instance, **form.cleaned_data))
    context = _context(instance) | {"form": form, "may_change": may_change}
    return render(request, "dashboard/instances/detail.html", context)


@permission_required(CHANGE, raise_exception=True)
@require_POST
def instance_push(request: HttpRequest, pk: int) -> HttpResponse:
    _push(request, _instance(pk), done=_("Pushed: Z-API now calls this board."), failed="{}")
    return redirect("dashboard:instance", pk)


@permission_required(CHANGE, raise_exception=True)
@require_POST
def instance_verify(request: HttpRequest, pk: int) -> HttpResponse:
    webhook = verify(_instance(pk))
    if webhook.problem:
        flash.error(request, webhook.words)
    else:
        flash.success(request, _("Z-API calls this board's URL."))
    return redirect("dashboard:instance", pk)


def _instance(pk: int) -> Instance:
    return get_object_or_404(Instance.objects.active().select_related("account"), pk=pk)


def _context(instance: Instance) -> dict[str, Any]:
    return {
        "instance": instance,
        "connection": connection_badge(instance),
        "panel": panel(instance),
        "sharing": sharing(instance),
    }


def _connect(form: NewInstanceForm) -> Instance | None:
    try:
        return connect(**form.cleaned_data)
    except AlreadyConnectedError as error:
        form.add_error("zapi_id", str(error))
        return None


def _saved(request: HttpRequest, form: InstanceForm, instance: Instance) -> HttpResponse:
    if form.wants_push:
        done = _("Saved and pushed: Z-API now calls this board.")
        _push(request, instance, done=done, failed=_("Saved, but not pushed. {}"))
    else:
        flash.success(request, _("Saved."))
    return redirect("dashboard:instance", instance.pk)


def _push(request: HttpRequest, instance: Instance, *, done: str, failed: str) -> None:
    webhook = push(instance)
    if webhook.problem:
        flash.error(request, failed.format(webhook.words))
    else:
        flash.success(request, done)
