"""Fixtures for API clients with a key."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from messages.accounts.api_keys import issue
from messages.models import ApiKey, KeyRole

V1 = "/api/v1"


class Caller:
    """`read` and `write` return the JSON of a response and fail on an error status."""

    def __init__(self, key: str) -> None:
        self.key = key
        self._client = Client(headers={"authorization": f"Bearer {key}"} if key else None)

    def send(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """`body` is sent as JSON, or unchanged if it is bytes."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        media_type = options.pop("media_type", "application/json")
        # Pagination links in responses are absolute URLs.
        target = path.removeprefix("https://testserver").removeprefix(V1)
        content = b"" if body is None else data
        return self._client.generic(
            method, f"{V1}{target}", content, content_type=media_type, secure=True, **options
        )

    def read(self, path: str, **query: Any) -> Any:
        answer = self.send("GET", path, query_params=query)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def write(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        answer = self.send(method, path, body, **options)
        assert answer.status_code in {200, 204}, answer.content
        return answer.json() if answer.content else None


MakeKey = Callable[..., Caller]


@pytest.fixture
def make_key(db: None) -> MakeKey:
    def make(role: KeyRole = KeyRole.SUPPORT, **fields: Any) -> Caller:
        limits = {name: fields.pop(name, ()) for name in ("accounts", "instances")}
        return Caller(issue(ApiKey(name="CRM", role=role, **fields), by=None, **limits))

    return make


@pytest.fixture
def reader(make_key: MakeKey) -> Caller:
    return make_key()


@pytest.fixture
def labeller(make_key: MakeKey) -> Caller:
    return make_key(may_label=True)


@pytest.fixture
def stranger(db: None) -> Caller:
    return Caller("")
