from django.contrib import admin
from django.urls import include, path

admin.autodiscover()

urlpatterns = [
    path("", include("messages.dashboard.urls")),
    path("", include("messages.webhooks.urls")),
    path("", include("messages.api.urls")),
    path("", include("messages.monitoring.urls")),
    path("account/", include("messages.accounts.account_routes")),
    path("admin/", include("messages.accounts.admin_routes")),
    path("admin/", admin.site.urls),
]

# For allauth's own limits, such as the one on password resets.
handler429 = "messages.accounts.sign_in_limits.too_many_attempts"

handler400 = "statusboard.error_pages.bad_request"
handler403 = "statusboard.error_pages.permission_denied"
handler404 = "statusboard.error_pages.page_not_found"
