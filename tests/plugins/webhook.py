"""Callbacks as Z-API sends them: requests go through the real WSGI application."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from wsgiref.util import setup_testing_defaults

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import TransactionTestCase

from messages.instances.webhook_keys import WebhookKey, webhook_path
from messages.models import Account, Instance
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
    """Keep the connection open after a request, like Django's test client.

    It holds the test's transaction.
    """
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


def call(path: str, method: str = "GET", body: bytes = b"", **extra: Any) -> Answer:
    """Call the WSGI application of statusboard.wsgi like a server."""
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
