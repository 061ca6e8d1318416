"""Import, push or verify many instances: the preview and the progress pages."""

from dataclasses import replace
from typing import Any

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh, HttpResponseStopPolling

from messages.accounts.audit import audit
from messages.accounts.scope import is_limited, limited_to, visible_instances
from messages.dashboard.shared.badges import Badge
from messages.domain.csv_reader import UnreadableFileError
from messages.instances.bulk_import import (
    ImportRow,
    describe_changes,
    preview,
    read_csv,
    read_partner_list,
)
from messages.instances.bulk_jobs import cancel, progress_of, retry_failed, start, start_for
from messages.instances.connect import save_partner
from messages.instances.sync import FAILURES
from messages.instances.webhook_urls import why_push_is_off
from messages.models import Account, Action, Batch, BatchKind, Instance, Plan, RowState

from .forms import FileForm, PartnerForm
from .instance_search import InstanceSearch
from .views import CHANGE

# Rows on a page; the rest is only counted.
MAX_SHOWN = 500
_LOOKS = {
    RowState.WAITING: ("plain", "clock"),
    RowState.DONE: ("success", "ok"),
    RowState.FAILED: ("danger", "failed"),
    RowState.LEFT_OUT: ("plain", "close"),
}


@permission_required("whatsapp.add_instance", raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def instance_import(request: HttpRequest) -> HttpResponse:
    source = request.POST.get("source")
    from_file = FileForm(*((request.POST, request.FILES) if source == "file" else ()))
    from_partner = PartnerForm(
        request.POST if source == "partner" else None, accounts=_partners(request)
    )
    batch = None
    if from_file.is_valid():
        batch = _preview_file(request, from_file)
    elif from_partner.is_valid():
        batch = _preview_partner(request, from_partner)
    if batch:
        return redirect("dashboard:instance-batch", batch.pk)
    context = {"from_file": from_file, "from_partner": from_partner}
    return render(request, "dashboard/instances/import.html", context)


@permission_required(CHANGE, raise_exception=True)
@require_POST
def instance_batch_start(request: HttpRequest) -> HttpResponse:
    """Push or verify all instances of the list."""
    kind = BatchKind.PUSH if request.POST.get("kind") == "push" else BatchKind.VERIFY
    if kind == BatchKind.PUSH and (reason := why_push_is_off()):
        flash.error(request, str(reason.label))
        return redirect("dashboard:instances")
    search = replace(InstanceSearch.read(request.POST), archived=False)
    batch = start_for(search.among(request.user), kind, by=_person(request))
    audit(request, Action.BATCH_STARTED, details={"batch": batch.pk, "kind": kind.value})
    return redirect("dashboard:instance-batch", batch.pk)


@permission_required(CHANGE, raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def instance_batch(request: HttpRequest, pk: int) -> HttpResponse:
    batch = _batch(request, pk)
    if request.method == "POST":
        action = request.POST.get("action")
        if action == "again":
            retry_failed(batch)
            audit(request, Action.BATCH_STARTED, details={"batch": batch.pk, "again": True})
        elif action == "stop":
            left_out = cancel(batch)
            details = {"batch": batch.pk, "stopped": True, "left out": left_out}
            audit(request, Action.BATCH_STARTED, details=details)
        else:
            start(batch, pushes="push" in request.POST)
            audit(request, Action.INSTANCES_IMPORTED, details={"batch": batch.pk})
        return redirect("dashboard:instance-batch", pk)
    context = _context(batch) | {"why_off": why_push_is_off()}
    return render(request, "dashboard/instances/batch.html", context)


@permission_required(CHANGE, raise_exception=True)
@require_safe
def instance_batch_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """Return the updated part of the page, or 204 if nothing changed."""
    context = _context(_batch(request, pk))
    progress = context["progress"]
    if request.GET.get("seen") == str(progress.finished):
        return HttpResponseStopPolling() if progress.is_over else HttpResponse(status=204)
    if progress.is_over:
        return HttpResponseClientRefresh()
    return render(request, "dashboard/instances/_batch.html", context)


def _person(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None


def _visible(request: HttpRequest) -> QuerySet[Instance]:
    instances = Instance.objects.active().select_related("account").prefetch_related("tags")
    return limited_to(request.user, instances, path="")


def _partners(request: HttpRequest) -> QuerySet[Account]:
    """Return the accounts whose partner list the person may read."""
    visible = Account.objects.exclude(partner_token="")
    return visible.none() if is_limited(request.user) else visible


def _batch(request: HttpRequest, pk: int) -> Batch:
    """Find a batch of the person: its rows show instances that others may not see.

    A person whose limits changed may not see it either.
    """
    batches = Batch.objects.all()
    if not request.user.is_superuser:
        batches = batches.filter(by=_person(request))
    batch = get_object_or_404(batches, pk=pk)
    if is_limited(request.user):
        visible = visible_instances(request.user)
        if batch.rows.exclude(instance=None).exclude(instance__in=visible).exists():
            raise Http404
    return batch


def _preview_file(request: HttpRequest, form: FileForm) -> Batch | None:
    try:
        rows = read_csv(form.cleaned_data["file"])
    except UnreadableFileError as error:
        form.add_error("file", str(error))
        return None
    return _preview(request, rows)


def _preview_partner(request: HttpRequest, form: PartnerForm) -> Batch | None:
    """Read the list before saving the token, which may be wrong."""
    account: Account | None = form.cleaned_data.get("account")
    typed: str = form.cleaned_data["partner_token"]
    try:
        rows = read_partner_list(typed or (account.partner_token.reveal() if account else ""))
    except FAILURES as error:
        form.add_error(None, str(error))
        return None
    if typed:
        account = _save_partner(request, form, account)
    return _preview(request, rows, account)


def _save_partner(request: HttpRequest, form: PartnerForm, account: Account | None) -> Account:
    names = ("name", "partner_token", "client_token")
    given = {name: form.cleaned_data[name] for name in names}
    return save_partner(account=account, by=request, **given)


def _preview(request: HttpRequest, rows: list[ImportRow], account: Account | None = None) -> Batch:
    return preview(rows, visible=_visible(request), by=_person(request), account=account)


def _context(batch: Batch) -> dict[str, Any]:
    rows = batch.rows.select_related("instance")
    progress = progress_of(batch)
    plans = list(rows.order_by().values_list("plan", flat=True)) if not batch.started_at else []
    shown = list(rows[:MAX_SHOWN])
    for row in shown:
        row.badge = Badge(*_LOOKS[RowState(row.state)], RowState(row.state).label)  # type: ignore[attr-defined]
        row.news = describe_changes(row.changes)  # type: ignore[attr-defined]
    return {
        "batch": batch,
        "progress": progress,
        "rows": shown,
        "left_out": max(0, progress.total - MAX_SHOWN),
        "planned": [(plan.label, plans.count(plan)) for plan in Plan if plan in plans],
        "may_start": any(plan in (Plan.ADD, Plan.UPDATE) for plan in plans),
    }
