"""What every test may ask for. Requests to the webhook go through the real WSGI application."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from wsgiref.util import setup_testing_defaults

import pytest
from django.conf import settings
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import TransactionTestCase

from messages.api.base_views import people, unknown_callers
from messages.incidents.incident_counts import Counts, incident_counts
from messages.ingest.service import breaker
from messages.instances.webhook_keys import WebhookKey, webhook_path
from messages.models import Account, Instance
from messages.notifications.worker_alarm import worker_alarm
from messages.webhooks.gate import wrong_keys
from statusboard.early_responses import WSGIApplication
from statusboard.wsgi import application

# A test that may use the database may use the spool.
TransactionTestCase.databases = {"default", "spool"}

ZAPI_ID = "instance.id"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@contextmanager
def connections_of_the_test() -> Iterator[None]:
    """As Django's own test client does: a request must not close what holds the test's rollback."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


def call(path: str, method: str = "GET", body: bytes = b"", **extra: Any) -> Answer:
    """One request straight into statusboard.wsgi, as a server would make it."""
    return call_through(application, path, method, body, **extra)


def call_through(
    site: WSGIApplication, path: str, method: str = "GET", body: bytes = b"", **extra: Any
) -> Answer:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": urlsplit(path).path,
        "QUERY_STRING": urlsplit(path).query,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        **extra,
    }
    setup_testing_defaults(environ)
    environ["SERVER_NAME"] = "127.0.0.1"
    environ["HTTP_HOST"] = extra.get("HTTP_HOST", "127.0.0.1")
    seen: dict[str, Any] = {}

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
        seen.update(status=int(status.split(maxsplit=1)[0]), headers=dict(headers))
        return lambda data: None

    with connections_of_the_test():
        chunks = site(environ, start_response)
        try:
            answer = b"".join(chunks)
        finally:
            getattr(chunks, "close", lambda: None)()
    return Answer(seen["status"], seen["headers"], answer)


@pytest.fixture(autouse=True, scope="session")
def _settings_of_tests(django_test_environment: None) -> None:
    # As outside of tests, where Django's test environment would send e-mails at once.
    settings.EMAIL_BACKEND = "messages.mail.backend.QueueBackend"
    # Hashing a password well takes longer than all the rest of a test.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # Otherwise WhiteNoise reads all static files for each new test client.
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture(autouse=True)
def forgotten_strangers() -> None:
    """All tests call from one address: no test may be told to wait for another's wrong keys."""
    for buckets in (wrong_keys, unknown_callers, people):
        buckets.forget()


@pytest.fixture(autouse=True)
def _database_is_back() -> Iterator[None]:
    """A test in which it was away leaves no other one behind an open breaker."""
    yield
    breaker.close()


@pytest.fixture(autouse=True)
def nothing_needs_attention() -> Iterator[None]:
    """Pages of tests about something else have no banner, and ask nothing for it."""
    incident_counts.freeze(Counts())
    worker_alarm.disable()
    yield
    incident_counts.refresh()


@pytest.fixture
def account(db: None) -> Account:
    return Account.objects.create(name="Loja", client_token="client-token-of-the-account")


@pytest.fixture
def instance(account: Account) -> Instance:
    return Instance.objects.create(
        account=account, name="Atendimento", zapi_id=ZAPI_ID, token="token-of-the-instance"
    )


@pytest.fixture
def post(instance: Instance) -> Callable[..., Answer]:
    """POST a callback (a dict, or bytes as they are) to the instance's webhook."""

    def send(payload: dict[str, Any] | bytes, **extra: str) -> Answer:
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        path = webhook_path(WebhookKey(instance.zapi_id, instance.key_version))
        return call(path, "POST", body, **{"CONTENT_TYPE": "application/json"} | extra)

    return send
