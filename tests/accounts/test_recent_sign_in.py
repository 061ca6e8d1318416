"""Actions with lasting effects need reauthentication if the sign-in is not recent."""

import time
from http.cookies import SimpleCookie
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings as the_settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import resolve, reverse

from messages.accounts.recent_sign_in import ACTIONS, AUTHENTICATED_AT, FORMS
from messages.models import ApiKey
from tests.accounts.routes import ROUTES, Route
from tests.accounts.test_every_url import TAKES, ask, ruled
from tests.plugins.accounts import PASSWORD, code, enrol, sign_in
from tests.plugins.pages import HttpsClient

ADD_KEY = reverse("dashboard:api-key-add")
NEW_KEY = {"name": "CRM", "scope": "role", "role": "support", "days": "365"}
PASSWORD_PAGE = reverse("account_reauthenticate")

# Routes that take a POST without reauthentication. Add a route only if it gives no access, sends no
# data elsewhere and destroys nothing.
STAYS_AS_IT_IS = {
    # Sign-in and sign-out, which have their own checks.
    "account_login",
    "account_logout",
    "account_inactive",
    "account_reauthenticate",
    "account_change_password",  # asks for the current password
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "mfa_authenticate",
    "mfa_reauthenticate",
    "mfa_reauthenticate_webauthn",
    "mfa_login_webauthn",
    "mfa_index",  # shows
    "mfa_list_webauthn",  # shows
    "usersessions_list",  # ends sessions
    "dashboard:session-end",
    "dashboard:invitation",  # protected by the secret in the link
    "admin_login",
    "admin_logout",
    "admin_password_change",  # redirects to the site's pages
    "admin_password_change_done",
    "admin_user_password",
    # Used by software, which authenticates with keys.
    "webhooks:zapi",
    "api:label",
    "api:labels",
    "monitoring:healthz",
    "monitoring:readyz",
    "monitoring:metrics",
    # Changes that affect only the user.
    "dashboard:set_language",
    "dashboard:preferences",
    "dashboard:search",
    "dashboard:look-up",
    "dashboard:message-queue",
    "dashboard:announced-queue",
    "dashboard:view-save",
    "dashboard:view-rename",
    "dashboard:view-delete",
    # Reads that need a permission and are audited.
    "dashboard:recipient-reveal",
    "dashboard:message-export",
    "dashboard:audit-export",
    "dashboard:audit-person",
    # Daily work that can be done again, or undone.
    "dashboard:labels",
    "dashboard:incident-acknowledge",
    "dashboard:incident-release",
    "dashboard:instance-push",  # only sends Statusboard's own URL to Z-API
    "dashboard:instance-verify",
    "dashboard:instance-batch-start",
    "dashboard:spool-retry",
    "dashboard:follow-ups-retry",
    "dashboard:quarantine-reprocess",
}


def takes_post(route: Route) -> bool:
    """Whether the route accepts a POST.

    Views of libraries and of Django admin count as if they do.
    """
    if ":" not in route.name or route.name.startswith("admin:"):
        return True
    return bool({"POST", "PUT", "DELETE"} & TAKES.get(ruled(route.name), set()))


def needs_it(name: str) -> bool:
    return name in FORMS or name in ACTIONS or name.startswith("admin:")


def answering(route: Route) -> str:
    """The view that serves the route's URL.

    Some Django admin routes are replaced by the site's pages.
    """
    return ruled(resolve(route.path()).view_name)


def age(client: Client, seconds: float) -> None:
    """Move the last authentication `seconds` into the past."""
    session = client.session
    session[AUTHENTICATED_AT] = time.time() - seconds
    session.save()


def is_asked(answer: Any) -> bool:
    return answer.status_code == 302 and "/reauthenticate/?next=" in answer["Location"]


@pytest.fixture
def stale(boss_client: Client) -> Client:
    age(boss_client, the_settings.ACCOUNT_REAUTHENTICATION_TIMEOUT + 1)
    return boss_client


@pytest.fixture
def superuser(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("root", "root@example.com", PASSWORD))
    return client


def test_every_route_that_takes_a_post_is_in_exactly_one_table():
    names = {ruled(route.name) for route in ROUTES if takes_post(route)}
    unknown = {name for name in names if needs_it(name) is (name in STAYS_AS_IT_IS)}
    assert not unknown, "say in recent_sign_in.py, or here, whether it asks again"


def test_tables_contain_only_existing_routes():
    names = {ruled(route.name) for route in ROUTES}
    assert FORMS | set(ACTIONS) | set(ACTIONS.values()) | STAYS_AS_IT_IS <= names


def test_only_listed_routes_need_reauthentication_after_the_timeout(superuser):
    age(superuser, the_settings.ACCOUNT_REAUTHENTICATION_TIMEOUT + 1)
    wrong = {
        route.name
        for route in ROUTES
        if takes_post(route)
        and is_asked(ask(superuser, route, "POST")) is not needs_it(answering(route))
    }
    assert not wrong


def test_recent_sign_in_needs_no_reauthentication(superuser):
    assert not {route.name for route in ROUTES if is_asked(ask(superuser, route, "POST"))}


@pytest.mark.parametrize("name", sorted(FORMS))
def test_form_needs_reauthentication_before_it_opens(superuser, name):
    age(superuser, the_settings.ACCOUNT_REAUTHENTICATION_TIMEOUT + 1)
    (route,) = (route for route in ROUTES if route.name == name)
    assert is_asked(ask(superuser, route, "GET"))


@pytest.mark.parametrize("act", ["add", "change", "delete"])
def test_django_admin_user_form_needs_reauthentication_before_it_opens(superuser, act):
    age(superuser, the_settings.ACCOUNT_REAUTHENTICATION_TIMEOUT + 1)
    (route,) = (route for route in ROUTES if route.name == f"admin:auth_user_{act}")
    assert is_asked(ask(superuser, route, "GET"))


@pytest.mark.parametrize("page", ["/", "/people/", "/instances/", "/api-keys/", "/admin/"])
def test_viewing_a_page_needs_no_reauthentication(superuser, page):
    age(superuser, the_settings.ACCOUNT_REAUTHENTICATION_TIMEOUT + 1)
    assert superuser.get(page).status_code == 200


@pytest.mark.parametrize(("seconds", "asked"), [(15 * 60 - 30, False), (15 * 60, True)])
def test_sign_in_is_recent_for_fifteen_minutes(boss_client, seconds, asked):
    age(boss_client, seconds)
    assert is_asked(boss_client.get(ADD_KEY)) is asked


def test_sign_in_time_in_the_future_is_not_recent(boss_client):
    age(boss_client, -3600)
    assert is_asked(boss_client.get(ADD_KEY))


def test_session_without_a_sign_in_time_needs_reauthentication(boss_client):
    session = boss_client.session
    del session[AUTHENTICATED_AT]
    session.save()
    assert is_asked(boss_client.get(ADD_KEY))


def test_reauthentication_timeout_can_be_configured(boss_client, settings):
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 60
    age(boss_client, 61)
    assert is_asked(boss_client.get(ADD_KEY))


def test_correct_password_redirects_back_to_the_form(stale):
    asked = stale.get(f"{ADD_KEY}?from=list")
    back = stale.post(asked.url, {"password": PASSWORD})
    assert back.url == f"{ADD_KEY}?from=list"
    assert stale.get(back.url).status_code == 200


def test_wrong_password_does_not_reauthenticate(stale):
    stale.post(stale.get(ADD_KEY).url, {"password": "wrong"})
    assert is_asked(stale.get(ADD_KEY))


def test_post_that_needs_reauthentication_changes_nothing_and_says_so(stale):
    asked = stale.post(ADD_KEY, NEW_KEY)
    assert not ApiKey.objects.exists()
    assert "Nothing was changed." in stale.get(asked.url).text


def test_interrupted_post_is_neither_stored_nor_repeated(stale):
    asked = stale.post(ADD_KEY, NEW_KEY)
    assert "CRM" not in str(dict(stale.session))
    stale.post(asked.url, {"password": PASSWORD}, follow=True)
    assert not ApiKey.objects.exists()


def test_reauthentication_from_a_button_returns_to_its_page(stale, ana):
    asked = stale.post(reverse("dashboard:person-two-factor-reset", args=[ana.pk]))
    back = stale.post(asked.url, {"password": PASSWORD})
    assert back.url == reverse("dashboard:person", args=[ana.pk])


def test_reauthentication_from_a_list_button_returns_to_the_list(stale):
    asked = stale.post(reverse("dashboard:api-key-revoke"), {"key": "sb_x"})
    assert stale.post(asked.url, {"password": PASSWORD}).url == reverse("dashboard:api-keys")


def test_htmx_request_redirects_the_whole_page_to_reauthentication(stale):
    answer = stale.post(ADD_KEY, NEW_KEY, headers={"HX-Request": "true"})
    assert answer["HX-Redirect"].startswith(PASSWORD_PAGE)


def test_reauthentication_by_the_owner_ends_a_stolen_session(stale):
    thief = HttpsClient()
    thief.cookies = SimpleCookie(stale.cookies)
    stale.post(PASSWORD_PAGE, {"password": PASSWORD})
    assert "/account/login/" in thief.get(ADD_KEY)["Location"]
    assert stale.get(ADD_KEY).status_code == 200


def test_reauthentication_does_not_add_a_session_to_the_list(client, boss):
    sign_in(client, "boss")
    session = UserSession.objects.get()
    client.post(PASSWORD_PAGE, {"password": PASSWORD})
    client.get(reverse("usersessions_list"))
    assert UserSession.objects.get() == session


def test_authenticator_code_reauthenticates(client, boss):
    enrol(boss)
    client.force_login(boss)
    age(client, 3600)
    page = client.get(client.get(ADD_KEY).url)
    other = page.context["reauthentication_alternatives"][0]["url"]
    assert client.post(other, {"code": code()}).url == ADD_KEY
    assert client.get(ADD_KEY).status_code == 200


def test_user_without_a_password_reauthenticates_with_a_passkey(client, boss):
    boss.set_unusable_password()
    boss.save()
    Authenticator.objects.create(user=boss, type=Authenticator.Type.WEBAUTHN, data={})
    client.force_login(boss)
    age(client, 3600)
    assert client.get(ADD_KEY).url.startswith(reverse("mfa_reauthenticate_webauthn"))


def test_user_without_password_or_passkey_must_sign_in_again(client, boss):
    boss.set_unusable_password()
    boss.save()
    client.force_login(boss)
    age(client, 3600)
    assert client.get(ADD_KEY).url.startswith(reverse("account_login"))
    assert client.get("/").status_code == 302


def test_password_without_second_factor_does_not_count_as_recent_sign_in(client, boss):
    enrol(boss)
    sign_in(client, "boss")
    assert AUTHENTICATED_AT not in client.session


def test_sign_in_with_two_factors_counts_as_recent(client, boss):
    enrol(boss)
    sign_in(client, "boss")
    client.post(reverse("mfa_authenticate"), {"code": code()})
    assert client.get(ADD_KEY).status_code == 200
