"""List, create and revoke API keys. A key is shown once, in the response that creates it."""

from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from messages.accounts.api_keys import issue, revoke
from messages.dashboard.shared.views import ask, is_confirmed, unlimited_only
from messages.models import ApiKey

from .forms import ApiKeyForm
from .key_rows import rows


@unlimited_only("whatsapp.view_apikey")
@require_safe
def api_key_list(request: HttpRequest) -> HttpResponse:
    return render(request, "dashboard/api_keys/list.html", {"rows": rows()})


@unlimited_only("whatsapp.add_apikey")
@require_http_methods(["GET", "HEAD", "POST"])
def api_key_add(request: HttpRequest) -> HttpResponse:
    form = ApiKeyForm(request.POST or None)
    if not form.is_valid():
        return render(request, "dashboard/api_keys/add.html", {"form": form})
    key, chosen = form.key, form.cleaned_data
    text = issue(key, accounts=chosen["accounts"], instances=chosen["instances"], by=request)
    return render(request, "dashboard/api_keys/made.html", {"key": key, "text": text})


@unlimited_only("whatsapp.change_apikey")
@require_POST
def api_key_revoke(request: HttpRequest) -> HttpResponse:
    key = get_object_or_404(ApiKey, prefix=request.POST.get("key", ""))
    if not is_confirmed(request):
        return ask(
            request,
            title=_("Revoke %(name)s?") % {"name": key.name},
            words=_("This cannot be undone. Systems that use this key will need a new one."),
            button=_("Revoke"),
            back_url=reverse("dashboard:api-keys"),
        )
    revoke(key, by=request)
    flash.success(request, _("%(name)s revoked.") % {"name": key.name})
    return redirect("dashboard:api-keys")
