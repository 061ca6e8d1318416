from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


@permission_required("whatsapp.view_message", raise_exception=True)
def message_list(request: HttpRequest) -> HttpResponse:
    return render(request, "dashboard/messages.html")
