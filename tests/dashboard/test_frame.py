"""The layout of pages: navigation, sign-in and error pages."""

import re

import pytest
from django.views.defaults import bad_request, server_error

from tests.plugins.pages import HttpsClient

CURRENT = re.compile(r'<a href="/" aria-current="page">\s*Messages\s*</a>')


def test_navigation_shows_only_pages_the_user_may_open(viewer, admin_client):
    seen = viewer.get("/").content.decode()
    assert "/instances/" not in seen
    assert "/administration/" not in seen
    seen = admin_client.get("/").content.decode()
    assert 'href="/instances/"' in seen
    assert 'href="/administration/"' in seen


def test_navigation_marks_the_current_page(viewer):
    assert CURRENT.search(viewer.get("/").content.decode())


def test_labels_page_marks_messages_as_current(admin_client):
    page = admin_client.get("/labels/").content.decode()
    assert CURRENT.search(page)


def test_company_name_is_on_printed_pages_and_the_sign_in_page(client, viewer, settings):
    settings.COMPANY_NAME = "Padaria & Filhos"
    printed = '<span class="header-company print-only">Padaria &amp; Filhos</span>'
    assert printed in viewer.get("/").content.decode()
    client.logout()
    assert "Padaria &amp; Filhos" in client.get("/account/login/").content.decode()


def test_user_can_sign_in_and_out(client, support):
    page = client.post(
        "/account/login/?next=/", {"login": "support", "password": "a-long-password"}, follow=True
    )
    assert page.request["PATH_INFO"] == "/"
    assert "Signed in as" in page.content.decode()
    client.post("/account/logout/")
    assert client.get("/").status_code == 302


def test_wrong_password_shows_an_error(client, support):
    page = client.post("/account/login/", {"login": "support", "password": "wrong"})
    assert 'role="alert"' in page.content.decode()


@pytest.mark.parametrize(
    "path",
    [
        "/account/login/",
        "/account/password/reset/",
        "/account/password/reset/done/",
        "/account/password/reset/key/x-y/",
        "/account/password/reset/key/done/",
        "/account/inactive/",
    ],
)
def test_pages_before_sign_in_use_the_site_layout(path, client, db):
    page = client.get(path, follow=True).content.decode()
    assert 'class="entrance-card"' in page
    assert "sign up" not in page.lower()


@pytest.mark.parametrize(
    "path", ["/account/logout/", "/account/password/change/", "/account/reauthenticate/"]
)
def test_account_pages_use_the_site_layout(path, viewer):
    page = viewer.get(path, follow=True).content.decode()
    assert 'class="brand"' in page


def test_404_and_403_pages_say_what_to_do(viewer, client, django_user_model):
    page = viewer.get("/nowhere/")
    assert page.status_code == 404
    assert "Search for its number or id" in page.content.decode()
    client.force_login(django_user_model.objects.create_user("nobody"))
    page = client.get("/").content.decode()
    assert "An administrator can change your role." in page
    assert "Switch account" in page


def test_404_works_signed_out(client, db):
    assert "Page not found" in client.get("/nowhere/").content.decode()


def test_form_without_a_csrf_token_says_what_to_do(support):
    client = HttpsClient(enforce_csrf_checks=True)
    page = client.post("/account/login/", {"login": "support"})
    assert page.status_code == 403
    assert "send the form again" in page.content.decode()


def test_400_needs_no_session(rf):
    page = bad_request(rf.get("/"), Exception())
    assert "Invalid request" in page.content.decode()


def test_500_needs_neither_context_nor_database(rf):
    page = server_error(rf.get("/"))
    assert page.status_code == 500
    assert "Try again in a minute" in page.content.decode()


def test_page_has_no_inline_styles_or_scripts(viewer, report):
    report("SENT")
    page = viewer.get("/")
    assert "style=" not in page.content.decode()
    assert "<style" not in page.content.decode()
    assert "unsafe" not in page.headers["Content-Security-Policy"]
