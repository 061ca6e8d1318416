"""The filter of the Messages page, taken along."""

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    QueryDict,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from messages.access.masking import sees_phones
from messages.audit import Action, audit
from messages.export import (
    MOST_ROWS,
    Reader,
    ask_for_workbook,
    csv_lines,
    pieces_of,
    separator,
    sight_of,
    workbook,
)
from messages.finding.criteria import Criteria
from messages.finding.matches import matches_of
from messages.finding.search import understand
from messages.models import ExportJob, ExportState

from .filters import address_of, encoded
from .moments import Moment

CSV: Final = "text/csv; charset=utf-8"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# A workbook of so many is written while its reader waits; the worker writes a longer one.
AT_ONCE: Final = 2000
EXPORT: Final = "whatsapp.export_message"


@require_POST
@permission_required(EXPORT, raise_exception=True)
def message_export(request: HttpRequest) -> HttpResponseBase:
    """What the filters of the address leave, as the file that the button names."""
    criteria = Criteria.read(request.GET)
    found = criteria.messages(request.user, matches_of(criteria.search, request.user))
    reader = Reader(
        found,
        order=criteria.order,
        zone=timezone.get_current_timezone(),
        shows_phones=sees_phones(request.user),
    )
    if request.POST.get("format") == "xlsx":
        return _workbook(request, criteria, reader)
    # Asked now: while the file is sent, nobody's language is set any more.
    pieces = _audited(request, criteria, reader, separator())
    return StreamingHttpResponse(pieces, content_type=CSV, headers=_as_file("csv"))


@require_safe
@permission_required(EXPORT, raise_exception=True)
def export_size(request: HttpRequest) -> HttpResponse:
    """How many rows a file of these filters would have, and what to expect of it.

    Asked for by the page once the buttons are in sight: counting would hold up every list.
    """
    criteria = Criteria.read(request.GET)
    found = criteria.messages(request.user, matches_of(criteria.search, request.user))
    count = found.order_by()[: MOST_ROWS + 1].count()
    return HttpResponse(_expected(count), content_type="text/plain; charset=utf-8")


def _expected(count: int) -> str:
    numbers = {"number": number_format(min(count, MOST_ROWS), force_grouping=True)}
    if count > MOST_ROWS:
        return _("More than %(number)s messages: take the CSV, which may take minutes.") % numbers
    if count > AT_ONCE:
        return _("%(number)s messages: the CSV comes at once, the workbook in a while.") % numbers
    return ngettext("%(number)s message.", "%(number)s messages.", count) % numbers


def _workbook(request: HttpRequest, criteria: Criteria, reader: Reader) -> HttpResponseBase:
    if reader.is_longer_than(MOST_ROWS):
        words = _("A workbook holds up to %(most)s messages, and these are more: take the CSV.")
        flash.error(request, words % {"most": number_format(MOST_ROWS, force_grouping=True)})
        return _back(request)
    if reader.is_longer_than(AT_ONCE) and isinstance(request.user, User):
        zone = timezone.get_current_timezone_name()
        job = ask_for_workbook(request.user, encoded(criteria), zone)
        return redirect("dashboard:export", job.pk)
    file = workbook(reader)
    _note(request, criteria, reader.count, "xlsx", complete=True)
    return FileResponse(file, content_type=XLSX, headers=_as_file("xlsx"))


@require_safe
@permission_required(EXPORT, raise_exception=True)
def export(request: HttpRequest, pk: UUID) -> HttpResponse:
    """How far the worker has come with a workbook, and the workbook."""
    return render(request, "dashboard/export/page.html", _context(request, pk))


@require_safe
@permission_required(EXPORT, raise_exception=True)
def export_progress(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The part of the page that changes by itself; 204 while it does not."""
    context = _context(request, pk)
    if context["job"].state != ExportState.WAITING:
        return HttpResponseClientRefresh()
    if request.GET.get("seen") == str(context["job"].written):
        return HttpResponse(status=204)
    return render(request, "dashboard/export/_progress.html", context)


@require_safe
@permission_required(EXPORT, raise_exception=True)
def export_file(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    job = get_object_or_404(_exports_of(request), pk=pk, state=ExportState.DONE)
    if job.sight != sight_of(request.user):
        flash.error(request, _("What you may see has changed since: export the messages again."))
        return redirect("dashboard:export", pk)
    criteria = Criteria.read(QueryDict(job.query))
    _note(request, criteria, job.written, "xlsx", complete=True)
    headers = _as_file("xlsx") | {"Content-Length": str(job.size)}
    return StreamingHttpResponse(pieces_of(job), content_type=XLSX, headers=headers)


def _exports_of(request: HttpRequest) -> QuerySet[ExportJob]:
    """Nobody but who asked for a file has it."""
    return ExportJob.objects.kept().filter(by=request.user.pk)


def _context(request: HttpRequest, pk: UUID) -> dict[str, Any]:
    job = get_object_or_404(_exports_of(request), pk=pk)
    criteria = Criteria.read(QueryDict(job.query))
    if criteria.search.is_of_people and not sees_phones(request.user):
        criteria = criteria.but(search=understand(""))  # asked for before numbers were hidden
    return {
        "job": job,
        "is_waiting": job.state == ExportState.WAITING,
        "is_done": job.state == ExportState.DONE,
        "written": number_format(job.written, force_grouping=True),
        "total": number_format(job.total, force_grouping=True),
        "percent": 100 * job.written // job.total if job.total else 0,
        "expires": Moment(job.expires_at),
        "back_url": address_of(criteria),
    }


def _audited(
    request: HttpRequest, criteria: Criteria, reader: Reader, between: str
) -> Iterator[bytes]:
    """The file's pieces. What was sent is written down, be it that the download was broken off."""
    complete = False
    try:
        yield from csv_lines(reader, between)
        complete = True
    finally:
        _note(request, criteria, reader.count, "csv", complete=complete)


def _note(
    request: HttpRequest, criteria: Criteria, number: int, kind: str, *, complete: bool
) -> None:
    """Names of filters, not what they looked for: that may be somebody's number."""
    filters = sorted({name for name, _value in criteria.query()})
    details = {"format": kind, "messages": number, "filters": filters, "complete": complete}
    audit(request, Action.EXPORTED, details=details)


def _as_file(ending: str) -> dict[str, str]:
    name = f"messages-{timezone.localtime():%Y-%m-%d-%H%M}.{ending}"
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def _back(request: HttpRequest) -> HttpResponse:
    return redirect(f"{reverse('dashboard:messages')}?{request.GET.urlencode()}")
