from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from .links import links_for


@require_safe
def administration(request: HttpRequest) -> HttpResponse:
    links = links_for(request.user)
    if not links:
        raise PermissionDenied
    return render(request, "dashboard/administration/page.html", {"links": links})
