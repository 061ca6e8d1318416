"""Limit how often a person's pages call other servers (Z-API, mail servers, channels)."""

from collections.abc import Callable

from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from messages.accounts.audit import audit
from messages.models import Action
from statusboard import page_network

from . import sign_in_limits

GetResponse = Callable[[HttpRequest], HttpResponse]


class TooManyCallsError(Exception):
    """The person's pages have called other servers too often."""


class NetworkLimitMiddleware:
    """Limits pages that call other servers, and shows the refusal on the previous page.

    A request is refused before its first call, so nothing is half done.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with page_network.limited(lambda: _count(request)):
            return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        match error:
            case page_network.BusyError():
                words = _("The server is busy waiting for other servers. Try again in a moment.")
            case TooManyCallsError():
                words = _("Too many requests to other servers. Try again in a minute.")
            case _:
                return None
        flash.error(request, words)
        return redirect(_back(request))


def _count(request: HttpRequest) -> None:
    person = request.user.pk
    if not sign_in_limits.spend(sign_in_limits.counter("calls", person)):
        return
    left_out = sign_in_limits.note_failure("calls", str(person))
    if left_out is not None:
        details = {"page": request.resolver_match and request.resolver_match.view_name}
        audit(request, Action.CALLS_REFUSED, details=details | {"others": left_out})
    raise TooManyCallsError


def _back(request: HttpRequest) -> str:
    """Return the previous page.

    If the previous page is this page, return the message list: this page would be refused again.
    """
    url = request.headers.get("Referer", "")
    is_ours = url_has_allowed_host_and_scheme(
        url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    is_itself = request.method != "POST" and url == request.build_absolute_uri()
    return url if is_ours and not is_itself else "dashboard:messages"
