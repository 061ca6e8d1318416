from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from messages.accounts.audit import audit
from messages.accounts.number_search_limits import wait_to_search
from messages.accounts.roles import SEE_PHONES
from messages.accounts.scope import Viewer
from messages.accounts.sign_in_limits import too_many_attempts
from messages.dashboard.exports.views import prepare_file
from messages.dashboard.shared.address_display import Address
from messages.dashboard.shared.moments import Moment, moment
from messages.dashboard.shared.views import unlimited_only
from messages.models import Action, Erasure, ExportKind, Hold
from messages.privacy import (
    HeldError,
    Person,
    find,
    holds_on,
    is_stopped,
    request_erasure,
)

from .forms import ErasureForm, PersonForm
from .hold_rows import HoldRow, hold_rows, recipient_hold_url

ERASE: Final = "whatsapp.add_erasure"
# The user waits for the page. The command has no such limit.
SEARCH_SECONDS: Final = 2.0
MAX_ERASURES: Final = 20
MAX_RELEASED: Final = 20


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@unlimited_only(ERASE)
def privacy(request: HttpRequest) -> HttpResponse:
    form = PersonForm(request.POST or None)
    context: dict[str, Any] = {"form": form}
    if form.is_valid():
        if wait := wait_to_search(request.user, form.data["person"]):
            return too_many_attempts(request, wait)
        context |= _found(request, form)
    return _page(request, context)


@require_POST
@sensitive_post_parameters()
@permission_required(SEE_PHONES, raise_exception=True)  # the file contains full numbers
@unlimited_only(ERASE)
def privacy_export(request: HttpRequest) -> HttpResponse:
    form = PersonForm(request.POST)
    if not form.is_valid():
        return _page(request, {"form": form})
    # Every table is read, which takes long in a large database.
    return prepare_file(request, ExportKind.PERSON, urlencode({"person": form.data["person"]}))


@require_POST
@sensitive_post_parameters()
@unlimited_only(ERASE)
def privacy_erase(request: HttpRequest) -> HttpResponse:
    if wait := wait_to_search(request.user, request.POST.get("person", "")):
        return too_many_attempts(request, wait)
    form = ErasureForm(request.POST)
    if not form.is_valid():
        valid_form = PersonForm({"person": request.POST.get("person", "")})
        context: dict[str, Any] = {"form": valid_form}
        if valid_form.is_valid():
            context |= _found(request, valid_form) | {"erasure_form": form}
        return _page(request, context)
    try:
        request_erasure(form.cleaned_data["person"], request)
    except HeldError as error:
        flash.error(request, str(error))
        return redirect("dashboard:privacy")
    flash.success(request, _("Erasing has started. This page shows when it is done."))
    return redirect("dashboard:privacy")


def _found(request: HttpRequest, form: PersonForm) -> dict[str, Any]:
    person: Person = form.cleaned_data["person"]
    audit(request, Action.PERSON_FOUND, recipient=person.names[0])
    return {
        "found": find(person, within=SEARCH_SECONDS),
        "addresses": [Address(name) for name in person.names],
        "asked": form.data["person"],
        "holds": hold_rows(holds_on(person), request.user),
        "hold_url": recipient_hold_url(person.names[0]),
        "erasure_form": ErasureForm(initial={"person": form.data["person"]}),
    }


def _page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    erasures = [
        (erasure, Moment(erasure.requested_at), moment(erasure.finished_at), is_stopped(erasure))
        for erasure in Erasure.objects.all()[:MAX_ERASURES]
    ]
    context |= {"erasures": erasures, "all_holds": _all_holds(request.user)}
    return render(request, "dashboard/privacy/page.html", context)


def _all_holds(user: Viewer) -> list[HoldRow]:
    """The active holds, and the last released ones."""
    holds = Hold.objects.select_related("message")
    released = holds.exclude(released_at=None).order_by("-released_at")
    return hold_rows([*holds.active(), *released[:MAX_RELEASED]], user)
