"""Redirect Django admin's password pages to ours, which are limited and audited.

Django admin's sign-in and password pages check passwords without any limit.
"""

from allauth.account.views import logout
from django.contrib import admin
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse


@login_not_required
def _sign_in(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated:
        next_url = request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index")
        return redirect_to_login(next_url, reverse("account_login"))
    if not admin.site.has_permission(request):
        raise PermissionDenied  # a redirect to the sign-in page would loop
    return redirect("admin:index")


def _change_password(_request: HttpRequest) -> HttpResponse:
    return redirect("account_change_password")


def _change_password_of(request: HttpRequest, pk: int) -> HttpResponse:
    """Redirect users to their own password page.

    For another person, redirect to the page that can create a link for them.
    """
    return _change_password(request) if pk == request.user.pk else redirect("dashboard:person", pk)


# Include these before Django admin's own routes, so that they win for the same paths.
# reverse("admin:login") still returns these paths.
urlpatterns = [
    path("login/", _sign_in, name="admin_login"),
    path("logout/", logout, name="admin_logout"),
    path("password_change/", _change_password, name="admin_password_change"),
    path("password_change/done/", _change_password, name="admin_password_change_done"),
    path("auth/user/<int:pk>/password/", _change_password_of, name="admin_user_password"),
]
