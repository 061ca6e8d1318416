"""Place a hold on a message or a recipient, and release it."""

from django import forms
from django.contrib import messages as flash
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from messages.dashboard.messages.recipient_views import (
    RevealForm,
    decrypted,
    has_messages,
    recipient_url,
)
from messages.dashboard.shared.address_display import Address
from messages.dashboard.shared.views import ask, is_confirmed, unlimited_only
from messages.models import Hold, Message
from messages.privacy import Person, person_of, place, release

from .hold_rows import MAY_HOLD


class HoldForm(RevealForm):
    reason = forms.CharField(
        label=gettext_lazy("Why must this be kept?"),
        max_length=200,
        min_length=3,
        help_text=gettext_lazy("For example, a case number. The reason is logged."),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@unlimited_only(MAY_HOLD)
def message_hold(request: HttpRequest, pk: int) -> HttpResponse:
    message = get_object_or_404(Message, pk=pk)
    back_url = reverse("dashboard:message", args=[pk])
    return _page(request, message, message.phone, back_url)


@require_http_methods(["GET", "HEAD", "POST"])
@unlimited_only(MAY_HOLD)
def recipient_hold(request: HttpRequest, encrypted: str) -> HttpResponse:
    """The person may be known only as a participant of groups, and then has no page."""
    address = decrypted(encrypted)
    has_page = has_messages(address, request.user)
    back_url = recipient_url(address) if has_page else reverse("dashboard:privacy")
    return _page(request, person_of(address), address, back_url)


def _page(request: HttpRequest, on: Message | Person, address: str, back_url: str) -> HttpResponse:
    form = HoldForm(request.POST or None)
    if form.is_valid():
        try:
            place(on, form.cleaned_data["reason"], request)
        except Message.DoesNotExist:
            raise Http404 from None  # purged meanwhile
        flash.success(request, _("Hold placed. This data stays until the hold is released."))
        return redirect(back_url)
    context = {
        "form": form,
        "address": Address(address),
        "message": on if isinstance(on, Message) else None,
        "back_url": back_url,
    }
    return render(request, "dashboard/privacy/hold.html", context)


@require_POST
@unlimited_only(MAY_HOLD)
def hold_release(request: HttpRequest, pk: int) -> HttpResponse:
    hold = get_object_or_404(Hold.objects.active(), pk=pk)
    back_url = reverse("dashboard:privacy")
    if not is_confirmed(request):
        return ask(
            request,
            title=_("Release this hold?"),
            words=_(
                "Retention can then delete this data once it is old enough. An erasure that this "
                "hold stopped continues at once. Deleted data cannot be restored."
            ),
            back_url=back_url,
            button=_("Release hold"),
        )
    if release(hold, request):
        flash.success(request, _("Hold released."))
    return redirect(back_url)
