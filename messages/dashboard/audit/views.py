from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from messages.audit import Action, audit, recipient_hash
from messages.dashboard.moments import Moment
from messages.export import csv_line, separator
from messages.finding.search import understand
from messages.models import AuditEvent

from .filters import AuditFilterForm

VIEW: Final = "whatsapp.view_auditevent"
PAGE_SIZE: Final = 50
COLUMNS: Final = ("when", "who", "address", "action", "instance", "message", "recipient", "details")


@dataclass(frozen=True, slots=True)
class Row:
    event: AuditEvent

    @property
    def moment(self) -> Moment:
        return Moment(self.event.at)

    @property
    def details(self) -> str:
        return details_in_words(self.event)


@require_safe
@permission_required(VIEW, raise_exception=True)
def audit_list(request: HttpRequest) -> HttpResponse:
    form = AuditFilterForm(request.user, request.GET)
    rows, older = _page(form.events(), request.GET.get("older", ""))
    context: dict[str, Any] = {
        "form": form,
        "rows": [Row(event) for event in rows],
        "older_url": older and form.address(older=older),
        "newest_url": form.address() if request.GET.get("older") else "",
        "export_query": form.address(),
    }
    return render(request, "dashboard/audit/list.html", context)


@require_POST
@permission_required(VIEW, raise_exception=True)
def audit_person(request: HttpRequest) -> HttpResponse:
    """Lead from a number, in either form, or a LID to the events about it."""
    addresses = understand(request.POST.get("number", "")).addresses
    if not addresses:
        flash.error(request, _("Type a whole number with its country code, or a LID."))
        return redirect("dashboard:audit")
    query = {"person": ".".join(map(recipient_hash, addresses))}
    return redirect(f"{reverse('dashboard:audit')}?{urlencode(query)}")


@require_POST
@permission_required(VIEW, raise_exception=True)
def audit_export(request: HttpRequest) -> StreamingHttpResponse:
    """CSV of what the filters of the address leave; the export is an event itself."""
    form = AuditFilterForm(request.user, request.GET)
    events = form.events()
    newest = AuditEvent.objects.order_by("-id").values_list("id", flat=True).first() or 0
    audit(request, Action.AUDIT_EXPORTED, details=form.in_words())
    return StreamingHttpResponse(
        _lines(events.filter(id__lte=newest), separator()),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="audit.csv"'},
    )


def details_in_words(event: AuditEvent) -> str:
    """What was written down, as it was: "role: Admin, fields: name, token"."""
    return ", ".join(f"{name}: {_plain(value)}" for name, value in event.details.items())


def _page(events: QuerySet[AuditEvent], older: str) -> tuple[list[AuditEvent], int | None]:
    """The rows of a page, and where the next one begins; None where nothing follows."""
    if older.isascii() and older.isdigit() and len(older) < 19:
        events = events.filter(id__lt=int(older))
    found = list(events[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    return shown, shown[-1].pk if len(found) > PAGE_SIZE else None


def _lines(events: QuerySet[AuditEvent], between: str) -> Iterator[str]:
    yield csv_line(COLUMNS, between)
    for event in events.iterator(chunk_size=1000):
        yield csv_line(_cells(event), between)


def _cells(event: AuditEvent) -> tuple[object, ...]:
    return (
        event.at.isoformat(timespec="seconds"),
        event.actor_name,
        event.address,
        event.action,
        event.instance.zapi_id if event.instance else "",
        event.message_pk or "",
        event.recipient,
        details_in_words(event),
    )


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
