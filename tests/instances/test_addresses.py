import pytest

from messages.domain.problems import Problem
from messages.instances.webhook_urls import is_ours, webhook_url, why_push_is_off

BOARD = "https://board.example.com"


def test_webhook_url_uses_the_public_base_url(instance):
    assert webhook_url(instance).startswith(f"{BOARD}/webhooks/zapi/")


def test_webhook_url_without_a_public_base_url_uses_the_local_one(instance, settings):
    settings.PUBLIC_BASE_URL = ""
    assert webhook_url(instance).startswith(f"{settings.LOCAL_BASE_URL}/webhooks/zapi/")


def test_push_with_https_is_enabled():
    assert why_push_is_off() is None


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", Problem.PUBLIC_URL_MISSING),
        ("http://board.example.com", Problem.PUBLIC_URL_NOT_HTTPS),
        ("https://", Problem.PUBLIC_URL_NOT_HTTPS),
    ],
)
def test_push_without_public_https_url_is_off(settings, url, problem):
    settings.PUBLIC_BASE_URL = url
    assert why_push_is_off() == problem


def test_webhook_url_with_an_earlier_base_url_is_ours(instance, settings):
    given_out = webhook_url(instance)
    settings.PUBLIC_BASE_URL = "https://new.example.com"
    assert is_ours(given_out)


@pytest.mark.parametrize(
    "url",
    ["", "https://crm.example.com/hook", f"{BOARD}/webhooks/zapi/made.1.up/", "https://[", BOARD],
)
def test_foreign_url_is_not_ours(url):
    assert not is_ours(url)
