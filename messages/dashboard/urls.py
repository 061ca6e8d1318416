from django.http import HttpRequest, HttpResponse
from django.urls import path

app_name = "dashboard"


def placeholder(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


urlpatterns = [path("", placeholder, name="messages")]
