"""Every URL, for everybody, compared with one table: a page without a rule fails here."""

import re
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from messages.access.roles import ADMIN, PERMISSIONS, SUPERVISOR, SUPPORT
from messages.instances.keys import WebhookKey, sign

NOBODY, SUPERUSER = "nobody", "superuser"
EVERYONE = {NOBODY, SUPPORT, SUPERVISOR, ADMIN, SUPERUSER}
SIGNED_IN = EVERYONE - {NOBODY}

# Who gets a page, by the name of the URL. All others get the sign-in page, a 403 or a 404.
RULES: dict[str, set[str]] = {
    "account_login": EVERYONE,
    "account_logout": SIGNED_IN,
    "account_signup": EVERYONE,  # says that it is closed
    "account_inactive": EVERYONE,
    "account_reset_password": EVERYONE,
    "account_reset_password_done": EVERYONE,
    "account_reset_password_from_key": EVERYONE,
    "account_reset_password_from_key_done": EVERYONE,
    "account_email_verification_sent": EVERYONE,
    "account_confirm_email": EVERYONE,
    "account_confirm_login_code": SIGNED_IN,  # nobody is led back to the sign-in
    "account_reauthenticate": SIGNED_IN,
    "account_change_password": SIGNED_IN,
    "account_set_password": SIGNED_IN,
    "account_email": SIGNED_IN,
    "mfa_authenticate": SIGNED_IN,  # nobody is led back to the sign-in
    "mfa_login_webauthn": EVERYONE,
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
    "dashboard:set_language": EVERYONE,
    "monitoring:healthz": EVERYONE,
    "monitoring:readyz": EVERYONE,
    "monitoring:metrics": EVERYONE,  # its token is its gate; without one it is not there
    "webhooks:zapi": EVERYONE,  # its key is its gate; GET answers 405
    "dashboard:messages": SIGNED_IN,
    "dashboard:message": SIGNED_IN,
    "dashboard:people": {ADMIN, SUPERUSER},
    "dashboard:person-invite": {ADMIN, SUPERUSER},
    "dashboard:person": {ADMIN, SUPERUSER},
    "dashboard:person-activity": {ADMIN, SUPERUSER},
    "dashboard:person-two-factor-reset": {ADMIN, SUPERUSER},
    "dashboard:person-link": {ADMIN, SUPERUSER},
    "dashboard:invitation": EVERYONE,  # its link is its gate
    "dashboard:session-end": SIGNED_IN,
    "dashboard:preferences": EVERYONE,  # a cookie of the viewer's own; GET answers 405
    "dashboard:instances": {SUPERVISOR, ADMIN, SUPERUSER},
    "dashboard:instance-add": {ADMIN, SUPERUSER},
    "dashboard:instance": {SUPERVISOR, ADMIN, SUPERUSER},
    "dashboard:instance-push": {ADMIN, SUPERUSER},
    "dashboard:instance-verify": {ADMIN, SUPERUSER},
}
# Django admin keeps its own door: staff only, then its permissions; evidence is read-only there.
ADMIN_RULE = {SUPERUSER}
ADMIN_OPEN = {"admin:logout"}
ADMIN_CLOSED = re.compile(r"admin:(whatsapp_\w+_(add|delete)|autocomplete)")


def walk(
    patterns: list[URLPattern | URLResolver], prefix: str = "", namespace: str = ""
) -> Iterator[tuple[str, str]]:
    """(name, path) of every route, with something plausible in the place of its parameters."""
    for item in patterns:
        route = prefix + str(item.pattern)
        if isinstance(item, URLResolver):
            inner = f"{namespace}{item.namespace}:" if item.namespace else namespace
            yield from walk(item.url_patterns, route, inner)
        else:
            yield f"{namespace}{item.name}", "/" + fill(route)


def fill(route: str) -> str:
    route = re.sub(r"\(\?P<\w+>[^)]*\)", "1-x", route)
    route = route.replace("<str:key>", sign(WebhookKey("instance.id", 1)))
    return re.sub(r"<[^>]+>", "1", route).replace("^", "").replace("$", "").replace("\\", "")


ROUTES = sorted(set(walk(get_resolver().url_patterns)))


def allowed(name: str) -> set[str]:
    if name.startswith("admin:"):
        if ADMIN_CLOSED.fullmatch(name):
            return set()
        return SIGNED_IN if name in ADMIN_OPEN else ADMIN_RULE
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


def test_every_url_opens_for_those_of_the_table_and_nobody_else(person, instance, post):
    post(
        {"type": "MessageStatusCallback", "status": "SENT", "ids": ["M"], "phone": "5544999999999"}
    )
    role, client = person
    wrong = {}
    for name, path in ROUTES:
        status, location = (answer := client.get(path, secure=True)).status_code, ""
        location = answer.headers.get("Location", "")
        refused = status == 403 or (status == 302 and "/login" in location)
        assert status < 500, (role, name, path)
        if refused is (role in allowed(name)):
            wrong[name] = (status, location)
    assert not wrong


def test_the_table_names_no_page_that_is_gone():
    assert set(RULES) <= {name for name, _ in ROUTES}
