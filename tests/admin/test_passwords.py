"""Django admin neither checks nor sets passwords. Its routes redirect to the site's pages."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.urls import reverse

from messages.models import AuditEvent
from tests.plugins.accounts import PASSWORD
from tests.plugins.pages import HttpsClient


def routes_about_passwords() -> list[str]:
    """The routes of Django admin whose patterns contain a word about passwords."""
    found = [str(pattern.pattern) for pattern in admin.site.get_urls()]
    users = admin.site.get_model_admin(User)
    found += [f"auth/user/{pattern.pattern}" for pattern in users.get_urls()]
    words = ("login", "logout", "password")
    return [route for route in found if any(word in route for word in words)]


@pytest.fixture
def superuser(db: None) -> User:
    return User.objects.create_superuser("root", "root@example.com", PASSWORD)


@pytest.fixture
def root_client(superuser: User) -> HttpsClient:
    client = HttpsClient()
    client.force_login(superuser)
    return client


def test_django_admin_password_routes_are_all_known():
    assert sorted(routes_about_passwords()) == [
        "auth/user/<id>/password/",
        "login/",
        "logout/",
        "password_change/",
        "password_change/done/",
    ]


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("route", routes_about_passwords())
def test_django_admin_password_route_redirects_and_changes_no_password(
    root_client, superuser, route, method
):
    path = "/admin/" + route.replace("<id>", str(superuser.pk))
    guessed = {"username": "root", "password": PASSWORD, "old_password": PASSWORD}
    form = guessed | {"new_password1": "changed-1-long", "new_password2": "changed-1-long"}
    answer = getattr(root_client, method)(path, form)
    page_of_the_board = "Sign out" in answer.text or answer["Location"] == "/admin/"
    assert page_of_the_board or answer["Location"].startswith("/account/")
    superuser.refresh_from_db()
    assert superuser.check_password(PASSWORD)


def test_django_admin_sign_in_checks_no_password(root_client, superuser):
    User.objects.create_user("ana", password=PASSWORD, is_staff=True)
    answers = {
        root_client.post("/admin/login/", {"username": "ana", "password": guess}).status_code
        for guess in ("wrong", PASSWORD)
    }
    assert answers == {302}
    assert int(root_client.session["_auth_user_id"]) == superuser.pk


def test_password_page_of_another_user_redirects_to_their_page(root_client):
    ana = User.objects.create_user("ana", password=PASSWORD)
    answer = root_client.get(f"/admin/auth/user/{ana.pk}/password/")
    assert answer["Location"] == reverse("dashboard:person", args=[ana.pk])


def test_user_who_is_not_staff_gets_403_without_a_redirect_loop(db):
    client = HttpsClient()
    client.force_login(User.objects.create_user("ana", password=PASSWORD))
    assert client.get("/admin/", follow=True).status_code == 403


def test_sign_out_of_django_admin_is_audited(root_client):
    root_client.post("/admin/logout/")
    assert AuditEvent.objects.get().action == "signed out"
    assert root_client.get("/").status_code == 302
