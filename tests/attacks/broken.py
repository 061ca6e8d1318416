"""A URLconf with one view that fails while secrets are in its local variables."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import path

from messages.models import Instance
from tests.attacks.tables import SECRET


@login_not_required
def fail(request: HttpRequest, **_: str) -> HttpResponse:
    client_token = SECRET
    headers = {"z-api-token": SECRET, "Client-Token": client_token}
    call = (f"https://api.z-api.io/instances/i/token/{SECRET}/me", headers)
    instance = Instance.objects.first()
    raise RuntimeError(f"{call!r} failed for {instance}")


urlpatterns = [path("<path:rest>", fail), path("", fail)]
