"""The filter of the Messages page, taken along."""

from collections.abc import Iterator
from typing import Final

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from messages.access.masking import sees_phones
from messages.audit import Action, audit
from messages.export import MOST_ROWS, Reader, csv_lines, workbook
from messages.finding.criteria import Criteria
from messages.finding.matches import matches_of

CSV: Final = "text/csv; charset=utf-8"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@require_POST
@permission_required("whatsapp.export_message", raise_exception=True)
def message_export(request: HttpRequest) -> HttpResponseBase:
    """What the filters of the address leave, as the file that the button names."""
    criteria = Criteria.read(request.GET)
    found = criteria.messages(request.user, matches_of(criteria.search, request.user))
    reader = Reader(
        found, zone=timezone.get_current_timezone(), shows_phones=sees_phones(request.user)
    )
    if request.POST.get("format") == "xlsx":
        return _workbook(request, criteria, reader)
    return StreamingHttpResponse(
        _audited(request, criteria, reader), content_type=CSV, headers=_as_file("csv")
    )


def _workbook(request: HttpRequest, criteria: Criteria, reader: Reader) -> HttpResponseBase:
    if reader.is_longer_than(MOST_ROWS):
        words = _("A workbook holds up to %(most)s messages, and these are more: take the CSV.")
        flash.error(request, words % {"most": number_format(MOST_ROWS, force_grouping=True)})
        return _back(request)
    file = workbook(reader)
    _note(request, criteria, reader, "xlsx", complete=True)
    return FileResponse(file, content_type=XLSX, headers=_as_file("xlsx"))


def _audited(request: HttpRequest, criteria: Criteria, reader: Reader) -> Iterator[bytes]:
    """The file's pieces. What was sent is written down, be it that the download was broken off."""
    complete = False
    try:
        yield from csv_lines(reader)
        complete = True
    finally:
        _note(request, criteria, reader, "csv", complete=complete)


def _note(
    request: HttpRequest, criteria: Criteria, reader: Reader, kind: str, *, complete: bool
) -> None:
    """Names of filters, not what they looked for: that may be somebody's number."""
    filters = sorted({name for name, _value in criteria.query()})
    details = {"format": kind, "messages": reader.count, "filters": filters, "complete": complete}
    audit(request, Action.EXPORTED, details=details)


def _as_file(ending: str) -> dict[str, str]:
    name = f"messages-{timezone.localtime():%Y-%m-%d-%H%M}.{ending}"
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def _back(request: HttpRequest) -> HttpResponse:
    return redirect(f"{reverse('dashboard:messages')}?{request.GET.urlencode()}")
