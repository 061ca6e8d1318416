from django.urls import path

from .views import ZapiWebhook, not_found

app_name = "webhooks"
urlpatterns = [
    # The last slash is easily lost when the URL is copied into Z-API's panel. reverse() returns the
    # last URL here.
    path("webhooks/zapi/<str:key>", ZapiWebhook.as_view(schema=None), name="zapi"),
    path("webhooks/zapi/<str:key>/", ZapiWebhook.as_view(), name="zapi"),
]
handler404 = not_found
