"""The views for monitoring. statusboard/wsgi.py serves them separately from the pages."""

import hmac
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import split_domain_port
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from statusboard.client_ips import came_through_proxy, client_ip, is_in, peer_ip

from .prometheus import registry
from .readiness import failing_checks


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Whether this process answers.

    It checks nothing else, because restarting this process would not fix other failures.
    """
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Whether callbacks can be stored and processed, and what fails if not."""
    failing = failing_checks()
    return JsonResponse({"ready": not failing, "failing": failing}, status=503 if failing else 200)


@login_not_required
@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    if not settings.METRICS_ON:
        return HttpResponse("Set METRICS_TOKEN.\n", status=404, content_type="text/plain")
    if not _is_authorized(request):
        return HttpResponse(
            "Send METRICS_TOKEN as Authorization: Bearer.\n",
            status=401,
            content_type="text/plain",
            headers={"WWW-Authenticate": 'Bearer realm="metrics"'},
        )
    return HttpResponse(generate_latest(registry()), content_type=CONTENT_TYPE_LATEST)


def _is_authorized(request: HttpRequest) -> bool:
    if _is_allowed(request.META):
        return True
    expected = f"Bearer {settings.METRICS_TOKEN}".encode()
    given = request.headers.get("Authorization", "").encode("utf-8", "replace")
    return bool(settings.METRICS_TOKEN) and hmac.compare_digest(given, expected)


def _is_allowed(meta: Mapping[str, Any]) -> bool:
    """Whether the client's network is allowed.

    The address of a proxy says nothing about its clients. Behind a proxy, the client's address is
    checked. The settings must trust this proxy.
    """
    client = client_ip(meta)
    if not is_in(client, settings.METRICS_ALLOWED_NETWORKS):
        return False
    peer = peer_ip(meta)
    if is_in(peer, settings.WEBHOOK_TRUSTED_PROXIES):
        return True
    if came_through_proxy(meta):
        return False
    # A proxy on this server may add no header but still pass on the public host.
    return peer is None or not peer.is_loopback or _names_this_host(meta)


def _names_this_host(meta: Mapping[str, Any]) -> bool:
    host, _ = split_domain_port(meta.get("HTTP_HOST", ""))
    return host in {"localhost", "127.0.0.1", "[::1]"}
