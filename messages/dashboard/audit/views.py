from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from messages.accounts.audit import audit, recipient_hash
from messages.accounts.number_search_limits import wait_to_search
from messages.accounts.sign_in_limits import too_many_attempts
from messages.dashboard.exports.views import AT_ONCE, as_file, prepare_file
from messages.dashboard.shared.moments import Moment
from messages.exports import audit_lines, plain, separator
from messages.models import Action, AuditEvent, ExportKind
from messages.search.keyset import read_page
from messages.search.parser import parse_search

from .detail_names import NAMES
from .forms import AuditFilterForm

VIEW: Final = "whatsapp.view_auditevent"
# Longer lists, such as permissions, are collapsed.
MAX_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Detail:
    """One detail of an event.

    For a long list, `count` is its length and `rest` is the collapsed part.
    """

    name: str
    text: str
    count: int = 0
    rest: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    event: AuditEvent

    @property
    def moment(self) -> Moment:
        return Moment(self.event.at)

    @property
    def details(self) -> list[Detail]:
        return [
            _detail(str(NAMES.get(name, name)), value)
            for name, value in self.event.details.items()
            if _is_known(name, value)
        ]


def _is_known(name: str, value: Any) -> bool:
    """Whether there is something to show: not for an unknown person, or no limits."""
    return value not in ("", None, [], {}) and (name, value) != ("limits", 0)


def _detail(name: str, value: Any) -> Detail:
    if isinstance(value, bool):
        return Detail(name, _("yes") if value else _("no"))
    if isinstance(value, dict):
        return Detail(name, ", ".join(f"{NAMES.get(key, key)} {one}" for key, one in value.items()))
    if not isinstance(value, list) or len(value) <= MAX_NAMED + 1:
        return Detail(name, plain(value))
    return Detail(name, plain(value[:MAX_NAMED]), len(value), plain(value[MAX_NAMED:]))


@require_safe
@permission_required(VIEW, raise_exception=True)
def audit_list(request: HttpRequest) -> HttpResponse:
    form = AuditFilterForm(request.user, request.GET)
    page = read_page(form.events(), request.GET.dict(), ["-at", "-id"])
    context: dict[str, Any] = {
        "form": form,
        "rows": [Row(event) for event in page.rows],
        "older_url": page.older and form.query_string(older=page.older),
        "newest_url": form.query_string() if request.GET.get("older") else "",
        "export_query": form.query_string(),
    }
    return render(request, "dashboard/audit/list.html", context)


@require_POST
@permission_required(VIEW, raise_exception=True)
def audit_person(request: HttpRequest) -> HttpResponse:
    """Redirect from a number or LID to the events about it."""
    wanted = parse_search(request.POST.get("number", ""))
    if wait := wait_to_search(request.user, wanted.text):
        return too_many_attempts(request, wait)
    addresses = wanted.addresses
    if not addresses:
        flash.error(request, _("Enter a full number with country code, or a LID."))
        return redirect("dashboard:audit")
    query = {"person": ".".join(map(recipient_hash, addresses))}
    return redirect(f"{reverse('dashboard:audit')}?{urlencode(query)}")


@require_POST
@permission_required(VIEW, raise_exception=True)
def audit_export(request: HttpRequest) -> HttpResponse:
    """Export the filtered events as CSV. The export is an event itself."""
    form = AuditFilterForm(request.user, request.GET)
    events = form.events()
    if len(events.values_list("pk")[AT_ONCE : AT_ONCE + 1]):
        return prepare_file(request, ExportKind.AUDIT, form.query_string().removeprefix("?"))
    body = b"".join(audit_lines(events, separator()))
    audit(request, Action.AUDIT_EXPORTED, details=form.as_details())
    return as_file(body, ExportKind.AUDIT)
