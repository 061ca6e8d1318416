from typing import Final

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from messages.accounts.scope import visible_instances
from messages.dashboard.shared.views import success_with_undo
from messages.incidents.acknowledge import acknowledge, release
from messages.incidents.incident_counts import incident_counts
from messages.incidents.visibility import visible_incidents

from .forms import NoteForm
from .incident_rows import open_rows, resolved_rows
from .stuck_rows import stuck_rows
from .worker_rows import worker_rows

# If there are more, the page links to the list of instances.
MAX_QUIET: Final = 20


@permission_required("whatsapp.view_incident", raise_exception=True)
@require_safe
def incident_list(request: HttpRequest) -> HttpResponse:
    rows = open_rows(incident_counts.current().worker_absence, request.user)
    stuck = stuck_rows(visible_instances(request.user).active()).values()
    quiet = [row for row in stuck if row.why_no_incident]
    context = {
        "unattended": [row for row in rows if not row.acknowledged],
        "attended": [row for row in rows if row.acknowledged],
        "quiet": quiet[:MAX_QUIET],
        "more_quiet": max(0, len(quiet) - MAX_QUIET),
        "resolved": resolved_rows(request.user),
    }
    return render(request, "dashboard/incidents/list.html", context)


@permission_required("whatsapp.change_incident", raise_exception=True)
@require_POST
def incident_acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark a problem as being worked on, or change its note."""
    incident = get_object_or_404(visible_incidents(request.user), pk=pk)
    has_note, is_free = "note" in request.POST, incident.acknowledged_at is None
    form = NoteForm(request.POST)
    if not form.is_valid():
        flash.error(request, _("The note is too long. The limit is 500 characters."))
        return redirect("dashboard:incidents")
    acknowledge(incident, request, note=form.cleaned_data["note"] if has_note else None)
    incident_counts.refresh()
    if is_free:
        undo_url = reverse("dashboard:incident-release", args=[pk])
        success_with_undo(request, _("You are working on this problem now."), undo_url)
    elif has_note:
        flash.success(request, _("Note saved."))
    else:
        flash.info(request, _("Somebody is already working on this problem."))
    return redirect("dashboard:incidents")


@permission_required("whatsapp.change_incident", raise_exception=True)
@require_POST
def incident_release(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark a problem as worked on by nobody."""
    release(get_object_or_404(visible_incidents(request.user), pk=pk), request)
    incident_counts.refresh()
    flash.success(request, _("Nobody is working on this problem now."))
    return redirect("dashboard:incidents")


@require_safe
@never_cache
def banner(request: HttpRequest) -> HttpResponse:
    """Only the banner, for pages that are already open."""
    return render(request, "_banner.html")


@permission_required("whatsapp.view_workerbeat", raise_exception=True)
@require_safe
def worker_list(request: HttpRequest) -> HttpResponse:
    return render(request, "dashboard/incidents/workers.html", {"workers": worker_rows()})
