"""Upload of labels as a CSV file."""

from typing import Final

from django import forms
from django.conf import settings
from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from messages import labels
from messages.accounts.audit import audit
from messages.accounts.roles import LABEL
from messages.dashboard.shared.forms import CsvField
from messages.models import Action

# Errors that the page lists.
MAX_FAULTS: Final = 50


class LabelFileForm(forms.Form):
    file = CsvField()

    def clean_file(self) -> dict[int, dict[str, str]]:
        """The rows by row number."""
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        content = self.cleaned_data["file"].read(most + 1)
        try:
            # A truncated file would give a misleading error.
            rows = labels.rows_of_csv(content) if len(content) <= most else None
        except labels.UnreadableFileError as error:
            raise forms.ValidationError(str(error)) from None
        if rows is None or len(rows) > labels.MAX_AT_ONCE:
            words = _("The file is too large. The limit is %(most)d rows.")
            raise forms.ValidationError(words % {"most": labels.MAX_AT_ONCE})
        if not rows:
            raise forms.ValidationError(_("The file has no rows."))
        return rows


@permission_required(LABEL, raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def label_upload(request: HttpRequest) -> HttpResponse:
    form = LabelFileForm(*((request.POST, request.FILES) if request.method == "POST" else ()))
    faults: tuple[labels.Fault, ...] = ()
    numbers: list[int] = []
    if form.is_valid():
        rows = form.cleaned_data["file"]
        numbers, faults = list(rows), _label(request, list(rows.values()))
        if not faults:
            return redirect("dashboard:labels")
    context = {
        "form": form,
        "faults": [(numbers[fault.position], fault) for fault in faults[:MAX_FAULTS]],
        "left_out": max(0, len(faults) - MAX_FAULTS),
        "most": labels.MAX_AT_ONCE,
    }
    return render(request, "dashboard/labels/upload.html", context)


def _label(request: HttpRequest, rows: list[dict[str, str]]) -> tuple[labels.Fault, ...]:
    """Write the labels; returns the faults if none were written."""
    entries, faults = labels.read_entries(rows)
    if faults:
        return tuple(faults)
    try:
        number = labels.label(entries, by=request.user, announces=False)
    except labels.LabelsRefusedError as refusal:
        return refusal.faults
    audit(request, Action.LABELLED, details={"messages": number})
    words = ngettext("%(count)d message labelled.", "%(count)d messages labelled.", number)
    flash.success(request, words % {"count": number})
    return ()
