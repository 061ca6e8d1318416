from django.urls import path

from .views import ZapiWebhook, not_found

app_name = "webhooks"
urlpatterns = [
    path("webhooks/zapi/<str:key>/", ZapiWebhook.as_view(), name="zapi"),
]
handler404 = not_found
