"""The three addresses that machines ask. They have a door of their own in statusboard/wsgi.py."""

import hmac

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from statusboard.callers import client_address, is_in

from .figures import registry
from .readiness import failures


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Whether this process answers at all. Asks nobody: a restart would mend nothing else."""
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Whether callbacks are stored and looked after, and what keeps them from it if not."""
    failing = failures()
    return JsonResponse({"ready": not failing, "failing": failing}, status=503 if failing else 200)


@login_not_required
@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    if not settings.METRICS_ON:
        return HttpResponse("Set METRICS_TOKEN.\n", status=404, content_type="text/plain")
    if not _may_read(request):
        return HttpResponse(
            "Send METRICS_TOKEN as Authorization: Bearer.\n",
            status=401,
            content_type="text/plain",
            headers={"WWW-Authenticate": 'Bearer realm="metrics"'},
        )
    return HttpResponse(generate_latest(registry()), content_type=CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    if is_in(client_address(request.META), settings.METRICS_ALLOWED_NETWORKS):
        return True
    expected = f"Bearer {settings.METRICS_TOKEN}".encode()
    given = request.headers.get("Authorization", "").encode("utf-8", "replace")
    return bool(settings.METRICS_TOKEN) and hmac.compare_digest(given, expected)
