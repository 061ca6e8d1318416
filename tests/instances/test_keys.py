"""Webhook keys are valid while their signing key is configured."""

import pytest

from messages.instances.webhook_keys import WebhookKey, sign, verify

KEY = WebhookKey("3C0D9B1E6F5A", 2)


def test_signed_key_is_verified():
    assert verify(sign(KEY)) == KEY


@pytest.mark.parametrize("place", [0, 5, -1])
def test_key_with_one_changed_character_is_refused(place):
    right = sign(KEY)
    assert verify(right)
    wrong = list(right)
    wrong[place] = "A" if wrong[place] != "A" else "B"
    assert verify("".join(wrong)) is None
    assert verify(right)


def test_key_is_refused_after_its_signing_key_is_removed(settings):
    key = sign(KEY)
    assert verify(key)
    settings.WEBHOOK_SIGNING_KEYS = ["another-" + "n" * 40]
    assert verify(key) is None


def test_key_of_an_older_signing_key_is_accepted(settings):
    key = sign(KEY)
    settings.WEBHOOK_SIGNING_KEYS = ["another-" + "n" * 40, *settings.WEBHOOK_SIGNING_KEYS]
    assert verify(key) == KEY
