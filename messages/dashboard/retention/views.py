from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from messages.dashboard.shared.moments import Moment, moment
from messages.dashboard.shared.views import unlimited_only
from messages.models import DataKind, Hold, Retention
from messages.privacy.retention import MIN_DAYS, SUGGESTED_DAYS, Deletable, preview, save_periods

from .forms import RetentionForm

CHANGE: Final = "whatsapp.change_retention"


@dataclass(frozen=True, slots=True)
class Row:
    """One kind: its field, and what the entered number would delete."""

    kind: DataKind
    field: Any
    deletable: Deletable | None
    finished: Moment | None
    is_missing: bool

    @property
    def oldest(self) -> Moment | None:
        return moment(self.deletable.oldest) if self.deletable else None

    @property
    def hint(self) -> str:
        numbers = {"least": MIN_DAYS[self.kind], "suggested": SUGGESTED_DAYS[self.kind]}
        return _("Minimum: %(least)d days. Suggested: %(suggested)d.") % numbers


@require_http_methods(["GET", "HEAD", "POST"])
@unlimited_only(CHANGE)
def retention(request: HttpRequest) -> HttpResponse:
    """Save the entered periods, or preview what they would delete."""
    is_preview = request.POST.get("action") != "save"
    form = RetentionForm(request.POST or None, is_preview=is_preview)
    if request.method == "POST" and form.is_valid() and not is_preview:
        if save_periods(form.days, by=request):
            flash.success(request, _("Saved. The worker deletes older data gradually."))
        else:
            flash.info(request, _("No changes to save."))
        return redirect("dashboard:retention")
    context = {
        "form": form,
        "rows": list(_rows(form)),
        "is_preview": form.is_bound,
        "holds": Hold.objects.active().count(),
    }
    return render(request, "dashboard/retention/page.html", context)


def _rows(form: RetentionForm) -> Iterator[Row]:
    stored = {row.kind: row for row in Retention.objects.all()}
    for kind in DataKind:
        known = stored.get(kind.value)
        days = form.cleaned_data.get(kind.value) if form.is_bound else known and known.days
        finished = moment(known.finished_at) if known else None
        deletable = preview(kind, days) if days else None
        yield Row(kind, form[kind.value], deletable, finished, kind in form.missing)
