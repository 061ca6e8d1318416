"""Export of messages, and the pages of files that the worker prepares."""

from typing import Any, Final
from urllib.parse import parse_qsl
from uuid import UUID

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import (
    Http404,
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

from messages.accounts.audit import audit
from messages.accounts.masking import sees_phones
from messages.dashboard.messages.filter_links import list_url, query_string
from messages.dashboard.shared.moments import Moment
from messages.exports import (
    MAX_ROWS,
    Reader,
    ask_for_file,
    csv_lines,
    may_have,
    pieces_of,
    separator,
    sight_of,
    workbook,
)
from messages.models import Action, ExportJob, ExportKind, ExportState
from messages.privacy import find_person
from messages.search.criteria import Criteria
from messages.search.matches import find_matches
from messages.search.parser import parse_search
from messages.search.querysets import may_name_person

# File name (with a place for the time) and content type.
_TYPES: Final = {
    ExportKind.CSV: ("messages-{}.csv", "text/csv; charset=utf-8"),
    ExportKind.WORKBOOK: (
        "messages-{}.xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    ExportKind.AUDIT: ("audit-{}.csv", "text/csv; charset=utf-8"),
    ExportKind.PERSON: ("person-{}.zip", "application/zip"),
}
# Files of up to this many rows are sent in the response. The worker writes longer files.
AT_ONCE: Final = 2000
EXPORT: Final = "whatsapp.export_message"


@require_POST
@permission_required(EXPORT, raise_exception=True)
def message_export(request: HttpRequest) -> HttpResponse:
    """Export the filtered messages in the format of the button.

    Long files are written by the worker, because sending them would occupy a thread that callbacks
    and other pages need.
    """
    criteria = Criteria.read(request.GET)
    found = criteria.messages(request.user, find_matches(criteria.search, request.user))
    reader = Reader(
        found,
        order=criteria.order,
        zone=timezone.get_current_timezone(),
        shows_phones=sees_phones(request.user),
    )
    kind = ExportKind.WORKBOOK if request.POST.get("format") == "xlsx" else ExportKind.CSV
    if kind == ExportKind.WORKBOOK and reader.is_longer_than(MAX_ROWS):
        words = _("Excel is limited to %(most)s messages. Use CSV.")
        flash.error(request, words % {"most": number_format(MAX_ROWS, force_grouping=True)})
        return _back(request)
    if reader.is_longer_than(AT_ONCE):
        return prepare_file(request, kind, query_string(criteria))
    body = _workbook(reader) if kind == ExportKind.WORKBOOK else _csv(reader)
    _note(request, criteria, reader.count, kind)
    return as_file(body, kind)


def prepare_file(request: HttpRequest, kind: ExportKind, query: str) -> HttpResponse:
    """Let the worker write a file, and redirect to its page."""
    user = request.user
    if not isinstance(user, User):
        raise PermissionDenied
    job = ask_for_file(user, kind, query, timezone.get_current_timezone_name())
    return redirect("dashboard:export", job.pk)


@require_safe
@permission_required(EXPORT, raise_exception=True)
def export_size(request: HttpRequest) -> HttpResponse:
    """The number of rows an export would have, in words.

    Loaded when the buttons become visible, because counting would slow down every list.
    """
    criteria = Criteria.read(request.GET)
    found = criteria.messages(request.user, find_matches(criteria.search, request.user))
    count = found.order_by()[: MAX_ROWS + 1].count()
    return HttpResponse(_expected(count), content_type="text/plain; charset=utf-8")


def _expected(count: int) -> str:
    numbers = {"number": number_format(min(count, MAX_ROWS), force_grouping=True)}
    if count > MAX_ROWS:
        words = _("More than %(number)s messages: use CSV, ready in a few minutes.")
        return words % numbers
    if count > AT_ONCE:
        return _("%(number)s messages: ready in a moment.") % numbers
    return ngettext("%(number)s message.", "%(number)s messages.", count) % numbers


def _csv(reader: Reader) -> bytes:
    return b"".join(csv_lines(reader, separator()))


def _workbook(reader: Reader) -> bytes:
    with workbook(reader) as file:
        return file.read()


@require_safe
def export(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The progress of a file, and its download."""
    return render(request, "dashboard/export/page.html", _context(_export(request, pk)))


@require_safe
def export_progress(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The part of the page that is polled; 204 if nothing changed."""
    job = _export(request, pk)
    if job.state != ExportState.WAITING:
        return HttpResponseClientRefresh()
    if request.GET.get("seen") == str(job.written):
        return HttpResponse(status=204)
    return render(request, "dashboard/export/_progress.html", _context(job))


@require_safe
def export_file(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    job = _export(request, pk)
    if job.state != ExportState.DONE:
        raise Http404
    if job.sight != sight_of(request.user):
        flash.error(request, _("Your access changed. Please export again."))
        return redirect("dashboard:export", pk)
    _note_download(request, job)
    kind = ExportKind(job.kind)
    headers = _headers(kind) | {"Content-Length": str(job.size)}
    return StreamingHttpResponse(pieces_of(job), content_type=_TYPES[kind][1], headers=headers)


def _export(request: HttpRequest, pk: UUID) -> ExportJob:
    """Return the job if this user requested it and has the permission for its kind."""
    if not any(may_have(request.user, kind) for kind in ExportKind):
        raise PermissionDenied
    job = get_object_or_404(ExportJob.objects.kept(), by=request.user.pk, pk=pk)
    if not may_have(request.user, job.kind):
        raise PermissionDenied
    return job


def _context(job: ExportJob) -> dict[str, Any]:
    return {
        "job": job,
        "is_waiting": job.state == ExportState.WAITING,
        "is_done": job.state == ExportState.DONE,
        "is_too_long": job.state == ExportState.TOO_LONG,
        "written": number_format(job.written, force_grouping=True),
        "total": number_format(job.total, force_grouping=True),
        "percent": 100 * job.written // job.total if job.total else 0,
        "expires": Moment(job.expires_at),
        "back": _back_from(job),
    }


def _back_from(job: ExportJob) -> tuple[str, str]:
    """The URL and name of the page where the export was started."""
    if job.kind == ExportKind.AUDIT:
        return f"{reverse('dashboard:audit')}?{job.query}", _("Audit log")
    if job.kind == ExportKind.PERSON:
        return reverse("dashboard:privacy"), _("A person’s data")
    criteria = Criteria.read(QueryDict(job.query))
    if may_name_person(criteria.search) and not sees_phones(job.by):
        # The user has lost the permission to see numbers since then
        criteria = criteria.replace(search=parse_search(""))
    return list_url(criteria), _("Messages")


def _note_download(request: HttpRequest, job: ExportJob) -> None:
    """Audit the download of a prepared file."""
    query = dict(parse_qsl(job.query))
    match job.kind:
        case ExportKind.AUDIT:
            details = query | {"rows": job.written}
            audit(request, Action.AUDIT_EXPORTED, details=details)
        case ExportKind.PERSON:
            (name, *_others) = find_person(query["person"]).names
            details = {"rows": job.written, "downloaded": True}
            audit(request, Action.PERSON_EXPORTED, recipient=name, details=details)
        case _:
            _note(request, Criteria.read(QueryDict(job.query)), job.written, ExportKind(job.kind))


def _note(request: HttpRequest, criteria: Criteria, number: int, kind: ExportKind) -> None:
    """Audit only the names of the filters. Their values may contain a phone number."""
    filters = sorted({name for name, _value in criteria.query()})
    details = {"format": kind.value, "messages": number, "filters": filters}
    audit(request, Action.EXPORTED, details=details)


def as_file(body: bytes, kind: ExportKind) -> HttpResponse:
    return HttpResponse(body, content_type=_TYPES[kind][1], headers=_headers(kind))


def _headers(kind: ExportKind) -> dict[str, str]:
    # No phone number: browsers keep the names of downloads.
    name = _TYPES[kind][0].format(f"{timezone.localtime():%Y-%m-%d-%H%M}")
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def _back(request: HttpRequest) -> HttpResponse:
    return redirect(f"{reverse('dashboard:messages')}?{request.GET.urlencode()}")
