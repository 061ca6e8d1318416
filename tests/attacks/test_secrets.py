"""Pages, responses and error reports contain no secret."""

import logging
from typing import Any

import pytest
from django.conf import settings as the_settings
from django.test import Client
from django.utils.log import AdminEmailHandler

from messages.instances.webhook_keys import WebhookKey, webhook_path
from tests.accounts.routes import ROUTES
from tests.attacks.pages import ask
from tests.attacks.tables import SECRET
from tests.mails import sent_mails

KEYS = [
    the_settings.SECRET_KEY,
    *the_settings.WEBHOOK_SIGNING_KEYS,
    *the_settings.FIELD_ENCRYPTION_KEYS,
]


@pytest.mark.parametrize("method", ["get", "post"])
def test_no_page_shows_a_stored_secret(admin_client, fill, method):
    fill("x")
    showing = [
        route.name for route in ROUTES if SECRET.encode() in ask(admin_client, route, method).body
    ]
    assert not showing


@pytest.fixture
def key() -> str:
    """The path of a webhook, which ends with its key."""
    return webhook_path(WebhookKey("instance.id", 1))


@pytest.fixture
def broken(settings: Any, client: Client, instance: Any, key: str) -> Client:
    settings.ROOT_URLCONF = "tests.attacks.broken"
    settings.DEBUG_PROPAGATE_EXCEPTIONS = False
    client.raise_request_exception = False
    return client


def test_debug_page_shows_no_secret(broken, settings, key):
    settings.DEBUG = True
    page = broken.get(f"{key}?token={SECRET}", headers={"z-api-token": SECRET, "x-safe": "seen"})
    assert page.status_code == 500
    assert "seen" in page.text
    assert "Atendimento" in page.text
    secrets = [SECRET, "token-of-the-instance", key.split("/")[-2], *KEYS]
    assert [secret for secret in secrets if secret in page.text] == []


def test_error_page_shows_no_details_of_the_error(broken):
    page = broken.get("/")
    assert (page.status_code, "RuntimeError" in page.text) == (500, False)


def test_error_email_to_operators_contains_no_secret(broken, settings):
    settings.ADMINS = [("Operator", "operator@example.com")]
    logger, handler = logging.getLogger("django.request"), AdminEmailHandler(include_html=True)
    logger.addHandler(handler)
    try:
        broken.get("/", headers={"z-api-token": SECRET})
    finally:
        logger.removeHandler(handler)
    assert SECRET not in str(sent_mails()[0].message())
