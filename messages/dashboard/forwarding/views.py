"""The forwarding page of an instance: turn it on or off and see its state."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.db.models import prefetch_related_objects
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from messages.accounts.audit import audit
from messages.accounts.scope import visible_instances
from messages.forwarding import (
    COUNTED,
    forwarding_state,
    kinds_of,
    retry_failed,
    set_forwarding,
    webhook_of,
)
from messages.models import Action, Instance, Webhook

from .forms import ForwardingForm
from .receiver_rows import Line

# Needed to see the page too: a receiver's URL may contain a secret.
CHANGE: Final = "whatsapp.change_instance"


@dataclass(frozen=True, slots=True)
class Panel:
    """The forwarding of one kind of webhook; `line` is None if it is off."""

    webhook: Webhook
    form: ForwardingForm
    line: Line | None

    @property
    def previous_url(self) -> str:
        """The URL that used the webhook before and gets no callbacks now, or ''."""
        webhook = self.webhook
        previous = webhook.previous_url or webhook.instance.taken_urls.get(webhook.kind, "")
        return previous if previous != self.webhook.forward_to else ""


@permission_required(CHANGE, raise_exception=True)
@require_safe
def forwarding(request: HttpRequest, pk: int) -> HttpResponse:
    return _page(request, _instance(request, pk))


@permission_required(CHANGE, raise_exception=True)
@require_POST
def forwarding_change(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    instance = _instance(request, pk)
    webhook = _webhook(instance, kind)
    form = ForwardingForm(request.POST, webhook=webhook)
    if not (form.is_valid() and _set(webhook, form)):
        return _page(request, instance, form)
    host = urlsplit(webhook.forward_to).netloc
    details = {"kind": kind, "host": host, "token": webhook.forwards_token}
    audit(request, Action.FORWARDING_CHANGED, about=instance, details=details)
    if host:
        flash.success(request, _("Callbacks are now forwarded to %(host)s.") % {"host": host})
    else:
        flash.success(request, _("Forwarding is off."))
    return redirect("dashboard:instance-forwarding", pk)


@permission_required(CHANGE, raise_exception=True)
@require_POST
def forwarding_put_back(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    instance = _instance(request, pk)
    number = retry_failed(_webhook(instance, kind))
    details = {"kind": kind, "put back": number}
    audit(request, Action.FORWARDING_CHANGED, about=instance, details=details)
    words = ngettext(
        "%(number)d callback is queued again.",
        "%(number)d callbacks are queued again.",
        number,
    )
    flash.success(request, words % {"number": number})
    return redirect("dashboard:instance-forwarding", pk)


def _instance(request: HttpRequest, pk: int) -> Instance:
    return get_object_or_404(visible_instances(request.user), pk=pk, archived_at=None)


def _webhook(instance: Instance, kind: str) -> Webhook:
    if kind not in kinds_of(instance):
        raise Http404
    return webhook_of(instance, kind)


def _set(webhook: Webhook, form: ForwardingForm) -> bool:
    try:
        set_forwarding(
            webhook,
            form.cleaned_data["forward_to"],
            forwards_token=form.cleaned_data["forwards_token"],
        )
    except ValidationError as error:
        form.add_error("forward_to", error)
        return False
    return True


def _page(
    request: HttpRequest, instance: Instance, refused: ForwardingForm | None = None
) -> HttpResponse:
    panels = list(_panels(instance, refused))
    context = {"instance": instance, "panels": panels, "counted": COUNTED}
    return render(
        request, "dashboard/forwarding/forwarding.html", context, status=422 if refused else 200
    )


def _panels(instance: Instance, refused: ForwardingForm | None) -> Iterator[Panel]:
    prefetch_related_objects([instance], "webhooks")
    lines = {state.webhook.kind: Line(state) for state in forwarding_state(instance)}
    for kind in kinds_of(instance):
        webhook = webhook_of(instance, kind)
        form = ForwardingForm(webhook=webhook)
        if refused and refused.auto_id == form.auto_id:
            form = refused
        yield Panel(webhook, form, lines.get(kind))
