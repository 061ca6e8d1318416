from django.urls import path

from .views import not_found, zapi_webhook

app_name = "webhooks"
urlpatterns = [
    # The last slash is easily lost when the URL is copied into Z-API's panel. reverse() returns the
    # last URL here.
    path("webhooks/zapi/<str:key>", zapi_webhook, name="zapi"),
    path("webhooks/zapi/<str:key>/", zapi_webhook, name="zapi"),
]
handler404 = not_found
