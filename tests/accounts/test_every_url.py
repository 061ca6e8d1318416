"""Check who can open each URL against one table. A URL without a rule fails."""

import re
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from messages.accounts.roles import ADMIN, PERMISSIONS, SUPERVISOR, SUPPORT
from tests.accounts.routes import OWN_ROUTES, ROUTES, Route

NOBODY, SUPERUSER = "nobody", "superuser"
EVERYONE = {NOBODY, SUPPORT, SUPERVISOR, ADMIN, SUPERUSER}
SIGNED_IN = EVERYONE - {NOBODY}

# Who gets a page, by the name of the URL. All others get the sign-in page, a 403 or a 404.
RULES: dict[str, set[str]] = {
    "account_login": EVERYONE,
    "account_logout": SIGNED_IN,
    "account_inactive": EVERYONE,
    "account_reset_password": EVERYONE,
    "account_reset_password_done": EVERYONE,
    "account_reset_password_from_key": EVERYONE,
    "account_reset_password_from_key_done": EVERYONE,
    "account_reauthenticate": SIGNED_IN,
    "account_change_password": SIGNED_IN,
    "mfa_authenticate": SIGNED_IN,  # anonymous users are redirected to the sign-in page
    # Called by a script; anonymous users are redirected to the sign-in page.
    "mfa_login_webauthn": SIGNED_IN,
    "mfa_index": SIGNED_IN,
    "mfa_reauthenticate": SIGNED_IN,
    "mfa_activate_totp": SIGNED_IN,
    "mfa_deactivate_totp": SIGNED_IN,
    "mfa_view_recovery_codes": SIGNED_IN,
    "mfa_generate_recovery_codes": SIGNED_IN,
    "mfa_download_recovery_codes": SIGNED_IN,
    "mfa_list_webauthn": SIGNED_IN,
    "mfa_add_webauthn": SIGNED_IN,
    "mfa_reauthenticate_webauthn": SIGNED_IN,
    "mfa_remove_webauthn": SIGNED_IN,
    "mfa_edit_webauthn": SIGNED_IN,
    "usersessions_list": SIGNED_IN,
    # Django admin routes that redirect to the site's pages. Those pages check permissions.
    "admin_login": {SUPERUSER},
    "admin_logout": SIGNED_IN,
    "admin_password_change": SIGNED_IN,
    "admin_password_change_done": SIGNED_IN,
    "admin_user_password": SIGNED_IN,
    "dashboard:set_language": EVERYONE,
    "monitoring:healthz": EVERYONE,
    "monitoring:readyz": EVERYONE,
    "monitoring:metrics": EVERYONE,  # protected by a token; 404 without a configured token
    "webhooks:zapi": EVERYONE,  # protected by the key in the URL; GET returns 405
    "api:messages": SIGNED_IN,
    "api:message": SIGNED_IN,
    "api:events": SIGNED_IN,
    "api:recipients": SIGNED_IN,
    "api:summaries": SIGNED_IN,
    "api:instances": {SUPERVISOR, ADMIN, SUPERUSER},
    "api:instance": {SUPERVISOR, ADMIN, SUPERUSER},
    "api:incidents": {SUPPORT, SUPERVISOR, ADMIN, SUPERUSER},
    "api:label": SIGNED_IN,
    "api:labels": SIGNED_IN,
    "api:schema": SIGNED_IN,
    "api:docs": SIGNED_IN,
    "dashboard:messages": SIGNED_IN,
    "dashboard:message": SIGNED_IN,
    "dashboard:announced": SIGNED_IN,
    "dashboard:message-export": {SUPERVISOR, ADMIN, SUPERUSER},
    "dashboard:export-size": {SUPERVISOR, ADMIN, SUPERUSER},
    "dashboard:export": {SUPERVISOR, ADMIN, SUPERUSER},
    "dashboard:export-progress": {SUPERVISOR, ADMIN, SUPERUSER},
    "dashboard:export-file": {SUPERVISOR, ADMIN, SUPERUSER},
    "dashboard:message-queue": SIGNED_IN,
    "dashboard:announced-queue": SIGNED_IN,
    "dashboard:message-callbacks": {ADMIN, SUPERUSER},
    "dashboard:message-callback": {ADMIN, SUPERUSER},
    "dashboard:recipient": SIGNED_IN,
    "dashboard:recipient-reveal": {SUPERVISOR, ADMIN, SUPERUSER},
    "dashboard:search": SIGNED_IN,
    "dashboard:go": SIGNED_IN,
    "dashboard:look-up": SIGNED_IN,
    "dashboard:live": SIGNED_IN,
    "dashboard:view-save": SIGNED_IN,
    "dashboard:view-rename": SIGNED_IN,
    "dashboard:view-delete": SIGNED_IN,
    "dashboard:overview": SIGNED_IN,
    "dashboard:administration": {ADMIN, SUPERUSER},
    "dashboard:people": {ADMIN, SUPERUSER},
    "dashboard:person-invite": {ADMIN, SUPERUSER},
    "dashboard:person": {ADMIN, SUPERUSER},
    "dashboard:person-activity": {ADMIN, SUPERUSER},
    "dashboard:person-two-factor-reset": {ADMIN, SUPERUSER},
    "dashboard:person-link": {ADMIN, SUPERUSER},
    "dashboard:invitation": EVERYONE,  # protected by the secret in the link
    "dashboard:session-end": SIGNED_IN,
    "dashboard:audit": {ADMIN, SUPERUSER},
    "dashboard:audit-export": {ADMIN, SUPERUSER},
    "dashboard:audit-person": {ADMIN, SUPERUSER},
    "dashboard:instance-thresholds": {ADMIN, SUPERUSER},
    "dashboard:incidents": {SUPPORT, SUPERVISOR, ADMIN, SUPERUSER},
    "dashboard:incident-acknowledge": {SUPERVISOR, ADMIN, SUPERUSER},
    "dashboard:incident-release": {SUPERVISOR, ADMIN, SUPERUSER},
    "dashboard:banner": SIGNED_IN,
    "dashboard:workers": {SUPERVISOR, ADMIN, SUPERUSER},
    "dashboard:channels": {ADMIN, SUPERUSER},
    "dashboard:channel-add": {ADMIN, SUPERUSER},
    "dashboard:channel": {ADMIN, SUPERUSER},
    "dashboard:channel-test": {ADMIN, SUPERUSER},
    "dashboard:channel-remove": {ADMIN, SUPERUSER},
    "dashboard:privacy": {ADMIN, SUPERUSER},
    "dashboard:privacy-export": {ADMIN, SUPERUSER},
    "dashboard:privacy-erase": {ADMIN, SUPERUSER},
    "dashboard:message-hold": {ADMIN, SUPERUSER},
    "dashboard:recipient-hold": {ADMIN, SUPERUSER},
    "dashboard:hold-release": {ADMIN, SUPERUSER},
    "dashboard:retention": {ADMIN, SUPERUSER},
    "dashboard:api-keys": {ADMIN, SUPERUSER},
    "dashboard:api-key-add": {ADMIN, SUPERUSER},
    "dashboard:api-key-revoke": {ADMIN, SUPERUSER},
    "dashboard:labels": {SUPERVISOR, ADMIN, SUPERUSER},
    "dashboard:preferences": EVERYONE,  # only sets a cookie; GET returns 405
    "dashboard:instances": {SUPERVISOR, ADMIN, SUPERUSER},
    "dashboard:instance-add": {ADMIN, SUPERUSER},
    "dashboard:instance": {SUPERVISOR, ADMIN, SUPERUSER},
    "dashboard:instance-push": {ADMIN, SUPERUSER},
    "dashboard:instance-verify": {ADMIN, SUPERUSER},
    "dashboard:instance-steps": {SUPERVISOR, ADMIN, SUPERUSER},
    "dashboard:instance-webhook": {ADMIN, SUPERUSER},
    "dashboard:instance-every": {ADMIN, SUPERUSER},
    "dashboard:instance-restore-others": {ADMIN, SUPERUSER},
    "dashboard:instance-rotate": {ADMIN, SUPERUSER},
    "dashboard:instance-retire": {ADMIN, SUPERUSER},
    "dashboard:instance-archive": {ADMIN, SUPERUSER},
    "dashboard:instance-delete": {ADMIN, SUPERUSER},
    "dashboard:instance-unarchive": {ADMIN, SUPERUSER},
    "dashboard:instance-token-policy": {ADMIN, SUPERUSER},
    "dashboard:instance-import": {ADMIN, SUPERUSER},
    "dashboard:instance-batch-start": {ADMIN, SUPERUSER},
    "dashboard:instance-batch": {ADMIN, SUPERUSER},
    "dashboard:instance-batch-progress": {ADMIN, SUPERUSER},
    "dashboard:instance-forwarding": {ADMIN, SUPERUSER},
    "dashboard:instance-forwarding-change": {ADMIN, SUPERUSER},
    "dashboard:instance-forwarding-put-back": {ADMIN, SUPERUSER},
    "dashboard:health": {ADMIN, SUPERUSER},
    "dashboard:spool-retry": {ADMIN, SUPERUSER},
    "dashboard:follow-ups-retry": {ADMIN, SUPERUSER},
    "dashboard:quarantine": {ADMIN, SUPERUSER},
    "dashboard:quarantine-reprocess": {ADMIN, SUPERUSER},
    "dashboard:quarantine-discard": {ADMIN, SUPERUSER},
    "dashboard:quarantined": {ADMIN, SUPERUSER},
}
# The HTTP methods of pages that accept more than GET. All else is a 405.
ANYTHING = {"GET", "POST", "PUT", "PATCH", "DELETE"}  # a Django view that accepts every method
TAKES: dict[str, set[str]] = {
    "dashboard:set_language": ANYTHING,
    "webhooks:zapi": {"POST"},
    "api:label": {"GET", "PUT", "DELETE"},
    "api:labels": {"GET", "POST"},
    "dashboard:preferences": {"POST"},
    "dashboard:message-export": {"POST"},
    "dashboard:api-key-add": {"GET", "POST"},
    "dashboard:api-key-revoke": {"POST"},
    "dashboard:labels": {"GET", "POST"},
    "dashboard:incident-acknowledge": {"POST"},
    "dashboard:incident-release": {"POST"},
    "dashboard:instance-thresholds": {"GET", "POST"},
    "dashboard:channel-add": {"GET", "POST"},
    "dashboard:channel": {"GET", "POST"},
    "dashboard:channel-test": {"POST"},
    "dashboard:channel-remove": {"POST"},
    "dashboard:search": {"POST"},
    "dashboard:look-up": {"POST"},
    "dashboard:message-queue": {"POST"},
    "dashboard:announced-queue": {"POST"},
    "dashboard:view-save": {"POST"},
    "dashboard:view-rename": {"POST"},
    "dashboard:view-delete": {"POST"},
    "dashboard:recipient-reveal": {"POST"},
    "dashboard:instance-add": {"GET", "POST"},
    "dashboard:instance": {"GET", "POST"},
    "dashboard:instance-push": {"POST"},
    "dashboard:instance-verify": {"POST"},
    "dashboard:instance-webhook": {"POST"},
    "dashboard:instance-every": {"GET", "POST"},
    "dashboard:instance-restore-others": {"POST"},
    "dashboard:instance-rotate": {"POST"},
    "dashboard:instance-retire": {"POST"},
    "dashboard:instance-archive": {"POST"},
    "dashboard:instance-delete": {"POST"},
    "dashboard:instance-unarchive": {"POST"},
    "dashboard:instance-token-policy": {"POST"},
    "dashboard:instance-import": {"GET", "POST"},
    "dashboard:instance-batch-start": {"POST"},
    "dashboard:instance-batch": {"GET", "POST"},
    "dashboard:instance-forwarding-change": {"POST"},
    "dashboard:instance-forwarding-put-back": {"POST"},
    "dashboard:spool-retry": {"POST"},
    "dashboard:follow-ups-retry": {"POST"},
    "dashboard:quarantine-reprocess": {"POST"},
    "dashboard:quarantine-discard": {"POST"},
    "dashboard:person-invite": {"GET", "POST"},
    "dashboard:person": {"GET", "POST"},
    "dashboard:person-activity": {"POST"},
    "dashboard:person-two-factor-reset": {"POST"},
    "dashboard:person-link": {"POST"},
    "dashboard:invitation": ANYTHING,
    "dashboard:session-end": {"POST"},
    "dashboard:audit-export": {"POST"},
    "dashboard:audit-person": {"POST"},
    "dashboard:privacy": {"GET", "POST"},
    "dashboard:privacy-export": {"POST"},
    "dashboard:privacy-erase": {"POST"},
    "dashboard:message-hold": {"GET", "POST"},
    "dashboard:recipient-hold": {"GET", "POST"},
    "dashboard:hold-release": {"POST"},
    "dashboard:retention": {"GET", "POST"},
}
# Django admin requires staff status and its own permissions. Messages and callbacks are read-only
# there.
ADMIN_RULE = {SUPERUSER}
# These redirect to the site's pages, which check the user.
ADMIN_OPEN = {"admin:logout", "admin:password_change", "admin:password_change_done"}
ADMIN_CLOSED = re.compile(r"admin:(whatsapp_\w+_(add|delete)|autocomplete)")


def ruled(name: str) -> str:
    """The name used in the tables: the same for an API route with and without the last slash."""
    return re.sub(r"^(api:.*)-with(out)?-slash$", r"\1", name)


def allowed(name: str) -> set[str]:
    if name.startswith("admin:"):
        if ADMIN_CLOSED.fullmatch(name):
            return set()
        return SIGNED_IN if name in ADMIN_OPEN else ADMIN_RULE
    name = ruled(name)
    assert name in RULES, f"{name} has no rule: say in RULES and docs/operator.md who may open it"
    return RULES[name]


@pytest.fixture(params=sorted(EVERYONE))
def person(request, db) -> tuple[str, Client]:
    client = Client()
    client.raise_request_exception = True
    if request.param != NOBODY:
        user = User.objects.create_user("p", password="p", is_superuser=request.param == SUPERUSER)
        user.is_staff = user.is_superuser
        user.save()
        if request.param in PERMISSIONS:
            user.groups.add(Group.objects.get(name=request.param))
        client.force_login(user)
    return request.param, client


@pytest.fixture
def _something_to_see(instance, post):
    post(
        {"type": "MessageStatusCallback", "status": "SENT", "ids": ["M"], "phone": "5544999999999"}
    )


def ask(client: Client, route: Route, method: str) -> Any:
    """Send a request and roll back its changes, including a sign-out."""
    cookies = SimpleCookie(client.cookies)
    with transaction.atomic():
        answer = client.generic(method, route.path(), secure=True)
        transaction.set_rollback(True)
    client.cookies = cookies
    # /readyz may return 503.
    assert answer.status_code < 500 or route.name == "monitoring:readyz", (route, method)
    return answer


def is_refused(answer: HttpResponse) -> bool:
    """Whether the response is a redirect to the sign-in page, a 401 or a 403."""
    location = answer.headers.get("Location", "")
    return answer.status_code in {401, 403} or (answer.status_code == 302 and "/login" in location)


@pytest.mark.usefixtures("_something_to_see")
def test_every_url_opens_only_for_the_roles_in_the_table(person):
    role, client = person
    wrong = {}
    for route in ROUTES:
        answer = ask(client, route, "GET")
        opens = not is_refused(answer)
        # A POST-only view may return 405 before it checks the user.
        if opens is not (role in allowed(route.name)) and answer.status_code != 405:
            wrong[route.name] = (answer.status_code, answer.headers.get("Location", ""))
    assert not wrong


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
@pytest.mark.usefixtures("_something_to_see")
def test_no_http_method_opens_a_url_closed_to_the_role(person, method):
    role, client = person
    opened = {
        route.name: answer.status_code
        for route in ROUTES
        if role not in allowed(route.name)
        and not is_refused(answer := ask(client, route, method))
        and answer.status_code not in {404, 405}
        and (answer.content or method != "OPTIONS")
    }
    assert not opened


@pytest.mark.parametrize("person", [SUPERUSER], indirect=True)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.usefixtures("_something_to_see")
def test_every_page_accepts_only_the_methods_in_the_table(person, method):
    _, client = person
    wrong = {
        route.name: answer.status_code
        for route in OWN_ROUTES
        if ":" in route.name  # allauth's have no namespace
        and SUPERUSER in allowed(route.name)
        and ((answer := ask(client, route, method)).status_code != 405)
        is not (method in TAKES.get(ruled(route.name), {"GET"}))
    }
    assert not wrong, "say in TAKES what it answers to"


@pytest.mark.parametrize("person", [SUPERUSER], indirect=True)
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.usefixtures("_something_to_see")
def test_required_second_factor_closes_every_page_without_one(person, method, settings):
    settings.TWO_FACTOR_REQUIRED = True
    _, client = person
    opened = {
        route.name
        for route in ROUTES
        if NOBODY not in allowed(route.name)
        and not route.name.startswith("api:")  # the API uses keys, which have no second factor
        and not ask(client, route, method).headers.get("Location", "").endswith("?needed=1")
    }
    assert {name for name in opened if not name.startswith("mfa_")} <= {
        "account_logout",
        "account_reauthenticate",
    }


def test_account_urls_include_only_the_allauth_routes_in_the_table():
    names = ("account_", "mfa_", "usersessions_")
    ruled_names = {name for name in RULES if name.startswith(names)}
    assert {r.name for r in ROUTES if r.pattern.startswith("account/")} == ruled_names


@pytest.mark.parametrize("person", [NOBODY, SUPERUSER], indirect=True)
@pytest.mark.parametrize(
    "path",
    [
        "",
        "email/",
        "signup/",
        "signup/passkey/",
        "confirm-email/",
        "confirm-email/x/",
        "password/set/",
        "login/code/",
        "login/code/confirm/",
        "phone/change/",
        "phone/verify/",
        "two-factor/trust/",
        "two-factor/webauthn/signup/",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_unused_allauth_page_is_not_found(person, path, method):
    _, client = person
    assert client.generic(method, f"/account/{path}", secure=True).status_code == 404


def test_tables_contain_only_existing_routes():
    assert set(RULES) | set(TAKES) <= {route.name for route in ROUTES}
