"""What surrounds every page: navigation, sign-in, and the pages that report an error."""

import re

import pytest
from django.views.defaults import bad_request, server_error

from tests.plugins.pages import HttpsClient

CURRENT = re.compile(r'<a href="/" aria-current="page">\s*Messages\s*</a>')


def test_the_navigation_shows_what_one_may_open(viewer, admin_client):
    seen = viewer.get("/").content.decode()
    assert "/instances/" not in seen
    assert "/admin/" not in seen
    seen = admin_client.get("/").content.decode()
    assert 'href="/instances/"' in seen
    assert 'href="/admin/"' in seen


def test_the_current_page_is_marked(viewer):
    assert CURRENT.search(viewer.get("/").content.decode())


def test_labels_belong_to_the_messages(admin_client):
    page = admin_client.get("/labels/").content.decode()
    assert CURRENT.search(page)


def test_signing_in_and_out(client, support):
    page = client.post(
        "/account/login/?next=/", {"login": "support", "password": "a-long-password"}, follow=True
    )
    assert page.request["PATH_INFO"] == "/"
    assert "Signed in as" in page.content.decode()
    client.post("/account/logout/")
    assert client.get("/").status_code == 302


def test_a_wrong_password_is_said_so(client, support):
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
def test_pages_before_sign_in_stand_in_our_frame(path, client, db):
    page = client.get(path, follow=True).content.decode()
    assert 'class="entrance-card"' in page
    assert "sign up" not in page.lower()


@pytest.mark.parametrize(
    "path", ["/account/logout/", "/account/password/change/", "/account/reauthenticate/"]
)
def test_pages_about_ones_account_stand_in_our_frame(path, viewer):
    page = viewer.get(path, follow=True).content.decode()
    assert 'class="brand"' in page


def test_404_and_403_say_what_next(viewer, client, django_user_model):
    page = viewer.get("/nowhere/")
    assert page.status_code == 404
    assert "Search for its number or id" in page.content.decode()
    client.force_login(django_user_model.objects.create_user("nobody"))
    page = client.get("/").content.decode()
    assert "An administrator can change your role." in page
    assert "Switch account" in page


def test_404_works_signed_out(client, db):
    assert "Page not found" in client.get("/nowhere/").content.decode()


def test_a_form_without_its_token_says_what_next(support):
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


def test_nothing_is_styled_or_scripted_inline(viewer, report):
    report("SENT")
    page = viewer.get("/")
    assert "style=" not in page.content.decode()
    assert "<style" not in page.content.decode()
    assert "unsafe" not in page.headers["Content-Security-Policy"]
