from django.urls import path

from .views import ZapiWebhook, not_found

app_name = "webhooks"
urlpatterns = [
    # Copied by hand into Z-API's panel, the last slash is soon lost. The address given out is the
    # last one here.
    path("webhooks/zapi/<str:key>", ZapiWebhook.as_view(schema=None), name="zapi"),
    path("webhooks/zapi/<str:key>/", ZapiWebhook.as_view(), name="zapi"),
]
handler404 = not_found
