"""/administration/: links to the pages for administrators."""

import re

import pytest
from django.contrib.auth.models import Permission, User

from messages.models import Account, UserLimit

ADMIN_PATHS = [
    "/people/",
    "/api-keys/",
    "/attention/channels/",
    "/retention/",
    "/privacy/",
    "/audit/",
]
RECORDS = "/admin/"
CURRENT = re.compile(r'href="/administration/"\s+aria-current="page"')


def listed(client) -> list[str]:
    """The paths that the page lists, below the navigation."""
    page = client.get("/administration/").content.decode()
    return re.findall(r'href="([^"]+)"><strong>', page)


def test_administration_lists_the_pages_of_an_admin(admin, client):
    assert listed(client) == ADMIN_PATHS


def test_administration_lists_records_for_staff(admin_client):
    assert listed(admin_client) == [*ADMIN_PATHS, RECORDS]


def test_every_link_of_the_administration_opens(admin_client):
    assert {admin_client.get(path).status_code for path in listed(admin_client)} == {200}


def test_administration_of_a_limited_person_lists_only_pages_that_open(admin, client):
    UserLimit.objects.create(user=admin, account=Account.objects.create(name="Shop"))
    assert listed(client) == ["/audit/"]
    closed = set(ADMIN_PATHS) - {"/audit/"}
    assert {client.get(path).status_code for path in closed} == {403}


def test_limited_person_without_any_administration_page_gets_no_link_to_it(viewer, support):
    support.user_permissions.add(Permission.objects.get(codename="view_channel"))
    UserLimit.objects.create(user=support, account=Account.objects.create(name="Shop"))
    assert "/administration/" not in viewer.get("/").content.decode()
    assert viewer.get("/administration/").status_code == 403


def test_staff_without_other_permissions_reach_records_from_the_administration(client, db):
    client.force_login(User.objects.create_user("clerk", is_staff=True))
    assert listed(client) == [RECORDS]


@pytest.mark.parametrize("path", ["/administration/", "/api-keys/", "/retention/", "/privacy/"])
def test_navigation_marks_admin_as_current(path, admin_client):
    assert CURRENT.search(admin_client.get(path).content.decode())


def test_personal_menu_keeps_the_way_to_label_messages(taker):
    page = taker.get("/").content.decode()
    assert '<a class="menu-item" href="/labels/">' in page
    assert "/administration/" not in page
