from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from messages.dashboard.shared.views import unlimited_only
from messages.mail import why_mail_is_off
from messages.models import Channel
from messages.notifications.channel_setup import remove_channel, save_channel, send_test

from .forms import ChannelForm

CHANGE = "whatsapp.change_channel"


@unlimited_only("whatsapp.view_channel")
@require_safe
def channel_list(request: HttpRequest) -> HttpResponse:
    channels = Channel.objects.prefetch_related("instances")
    return render(request, "dashboard/incidents/channels.html", {"channels": channels})


@unlimited_only("whatsapp.add_channel")
@require_http_methods(["GET", "HEAD", "POST"])
def channel_add(request: HttpRequest) -> HttpResponse:
    return _form(request, Channel(language=get_language()))


@unlimited_only(CHANGE)
@require_http_methods(["GET", "HEAD", "POST"])
def channel_detail(request: HttpRequest, pk: int) -> HttpResponse:
    return _form(request, get_object_or_404(Channel, pk=pk))


@unlimited_only(CHANGE)
@require_POST
def channel_test(request: HttpRequest, pk: int) -> HttpResponse:
    channel = get_object_or_404(Channel, pk=pk)
    if problem := send_test(channel, request):
        flash.error(request, problem)
    else:
        flash.success(request, _("Test sent. Check that it arrived."))
    return redirect("dashboard:channels")


@unlimited_only("whatsapp.delete_channel")
@require_POST
def channel_remove(request: HttpRequest, pk: int) -> HttpResponse:
    remove_channel(get_object_or_404(Channel, pk=pk), request)
    flash.success(request, _("Channel removed."))
    return redirect("dashboard:channels")


def _form(request: HttpRequest, channel: Channel) -> HttpResponse:
    form = ChannelForm(channel, request.POST or None)
    if form.is_valid():
        save_channel(channel, request, **form.cleaned_data)
        flash.success(request, _("Saved."))
        return redirect("dashboard:channels")
    context = {"form": form, "channel": channel, "why_mail_is_off": why_mail_is_off()}
    return render(request, "dashboard/incidents/channel.html", context)
