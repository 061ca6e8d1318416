"""Random values in every route, form and parameter.

No response is a 5xx, contains a secret or redirects to another site, for any user.

FUZZ_EXAMPLES sets the number of requests. The default is small. A failure shows the number of its
request. FUZZ_FROM=1234 FUZZ_EXAMPLES=1 repeats request 1234.
"""

import os
import re
import sys
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.models import Session
from django.core.signals import got_request_exception
from django.db import transaction
from django.test import Client

from messages.accounts.api_keys import issue
from messages.api.base_views import people, unknown_callers
from messages.models import ApiKey, UserLimit
from messages.webhooks.throttling import wrong_keys
from tests.accounts.routes import ROUTES
from tests.attacks.discovery import File, Target, discover
from tests.attacks.fuzz import Fuzz, Sent
from tests.attacks.tables import PK, ROW_ID, SECRET
from tests.attacks.test_secrets import KEYS
from tests.mails import sent_mails
from tests.plugins.accounts import PASSWORD, TOTP_SECRET, enrol, sign_in
from tests.plugins.pages import HttpsClient
from tests.plugins.webhook import Answer, call

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "2500"))
FROM = int(os.environ.get("FUZZ_FROM", "0"))
LABEL = (("label", "Order 7"), ("reference", "7"))
# Requests that no page contains: API calls.
BEYOND_PAGES = [
    Target("PUT", "/api/v1/messages/instance.id/3EB0A1/label", (), LABEL, "application/json"),
    Target("DELETE", "/api/v1/messages/instance.id/3EB0A1/label"),
    Target(
        "POST",
        "/api/v1/labels/",
        (),
        (("zapi_instance_id", "instance.id"), ("message_id", "3EB0A1"), *LABEL),
        "application/json",
    ),
    Target("POST", "/api/v1/labels/", (), (("file", File("a.csv", b"a,b\n")),), "text/csv"),
]


@pytest.fixture
def browsers(root, post, instance, settings) -> dict[str, Client]:
    """A client for each kind of user, with the most permissions last."""
    settings.API_REQUESTS_PER_MINUTE = 1_000_000
    post({"type": "DeliveryCallback", "messageId": "3EB0A3", "phone": "55", "error": "No number"})
    post({"type": "Unheard"})
    for role in ("Support", "Supervisor", "Admin"):
        _person(f"a-{role.lower()}", role)
    UserLimit.objects.create(user=_person("limited", "Admin"), instance=instance)
    masked = _person("masked", "")
    masked.user_permissions.add(
        *Permission.objects.filter(codename__in=["view_message", "export_message"])
    )
    enrol(_person("enrolled", "Admin"))
    anonymous = {name: HttpsClient() for name in ("anonymous", "invited", "resetting")}
    names = ("a-support", "a-supervisor", "masked", "enrolled", "limited", "a-admin")
    return anonymous | {name: _signed_in(name) for name in names} | {"root": root}


@pytest.fixture
def ways_in(browsers) -> list[str]:
    """The one-time pages of an invitation and a password reset, opened by their recipients."""
    fields = {"username": "new", "email": "new@example.com", "role": "Support"}
    invitation = _path_in(browsers["root"].post("/people/invite/", fields).text, "/invitation/")
    browsers["anonymous"].post("/account/password/reset/", {"email": "a-support@example.com"})
    reset = _path_in("".join(str(sent.body) for sent in sent_mails()), "/account/password/reset/")
    addresses = []
    for name, link in (("invited", invitation), ("resetting", reset)):
        page = browsers[name].get(link, follow=True)
        addresses += [link, *(address for address, _ in page.redirect_chain)]
    return addresses


@pytest.fixture
def fuzz(browsers, ways_in) -> Fuzz:
    every = [route.path(PK, ROW_ID) for route in ROUTES]
    account = [path for path in every if path.startswith("/account/")]
    outside = [(browsers[name], ways_in) for name in ("invited", "resetting")]
    inside = [(browsers["root"], every), (browsers["enrolled"], account)]
    targets = discover([*inside, *outside, (browsers["anonymous"], account)])
    roles = {
        "a key that reads": _key(role="support"),
        "a key that may all": _key(role="admin", may_label=True),
        **{name: _session(client) for name, client in browsers.items()},
    }
    return Fuzz(targets + BEYOND_PAGES * 3, roles)


def _person(name: str, role: str) -> User:
    user = User.objects.create_user(name, f"{name}@example.com", PASSWORD)
    if role:
        user.groups.add(Group.objects.get(name=role))
    return user


def _signed_in(name: str) -> Client:
    client = HttpsClient()
    sign_in(client, name)
    return client


def _path_in(text: str, begin: str) -> str:
    found = re.search(rf"https://board\.example\.com({re.escape(begin)}[^\s\"<]+)", text)
    assert found, text
    return found[1]


def _session(client: Client) -> dict[str, str]:
    cookie = client.cookies.get("__Host-sessionid")
    return {"session": cookie.value if cookie else ""}


def _key(**fields: Any) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"Bearer {issue(ApiKey(name='fuzz', **fields), by=None)}"}


def test_random_request_causes_no_server_error_leak_or_open_redirect(fuzz, browsers):
    secrets = _secrets()
    faults: dict[str, str] = {}
    seen: Counter[int] = Counter()
    for number in range(FROM, FROM + EXAMPLES):
        sent = fuzz.request(number)
        answer, error = _answer_to(sent)
        seen[answer.status] += 1
        for fault in [error] if error else _faults_in(answer, sent, secrets):
            faults.setdefault(fault.split(":")[0], f"FUZZ_FROM={number}: {sent}\n  {fault}")
    assert not faults, "\n\n".join(faults.values())
    # Every status must occur, or the requests are not varied enough.
    assert EXAMPLES < 2000 or {200, 302, 400, 403, 404, 405, 413, 415} <= set(seen), seen


def _secrets() -> dict[str, str]:
    """Secrets that no response may contain, in its body or headers."""
    texts = {
        "a stored secret": [SECRET, "token-of-the-instance", "client-token-of-the-account"],
        "a key of the settings": KEYS,
        "a hash of a password": User.objects.values_list("password", flat=True),
        "a hash of a key": ApiKey.objects.exclude(hash="").values_list("hash", flat=True),
        "the secret of a second factor": [TOTP_SECRET],
        "a session": Session.objects.values_list("session_key", flat=True),
    }
    return {text: name for name, all_of_it in texts.items() for text in all_of_it}


def _faults_in(answer: Answer, sent: Sent, secrets: dict[str, str]) -> Iterator[str]:
    headers = "".join(f"{name}: {value}" for name, value in answer.headers.items())
    told = answer.body.decode("latin-1") + headers
    asked = str(sent.environ()) + sent.body.decode("latin-1")
    for secret, name in secrets.items():
        if secret in told and secret not in asked:
            yield f"{name} in the answer: {told[max(0, told.index(secret) - 99) :][:200]}"
    target = urlsplit(answer.headers.get("Location", ""))
    if target.netloc not in {"", "127.0.0.1"} or target.scheme not in {"", "https"}:
        yield f"a redirect to another site: {answer.headers['Location']}"


def _answer_to(sent: Sent) -> tuple[Answer, str]:
    """Return the response and the exception that occurred.

    Whatever the request changes is undone.
    """
    for buckets in (wrong_keys, unknown_callers, people):
        buckets.buckets.clear()
    with transaction.atomic(), transaction.atomic(using="spool"), _noted_errors() as errors:
        try:
            answer = call("/", sent.method, sent.body, **sent.environ())
        except Exception as error:  # an uncaught exception, for example while streaming
            errors.append(_where(error))
            answer = Answer(500, {}, b"")
        transaction.set_rollback(True)
        transaction.set_rollback(True, using="spool")
    # /readyz may return 503.
    if answer.status < 500 or sent.path == "/readyz":
        return answer, ""
    return answer, errors[0] if errors else f"{answer.status} without an exception"


@contextmanager
def _noted_errors() -> Iterator[list[str]]:
    errors: list[str] = []

    def note(**_: Any) -> None:
        errors.append(_where(sys.exception()))

    got_request_exception.connect(note)
    try:
        yield errors
    finally:
        got_request_exception.disconnect(note)


def _where(error: BaseException | None) -> str:
    """The exception type, the last frames of the traceback and the message."""
    frames = traceback.extract_tb(error.__traceback__) if error else []
    places = [f"{frame.filename.split('/')[-1]} {frame.lineno}" for frame in frames[-8:]]
    return f"{type(error).__name__} at {', '.join(places)}: {str(error)[:200]}"
