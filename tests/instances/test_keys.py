"""The key in a webhook's address, as long as its secret is among ours."""

import pytest

from messages.instances.webhook_keys import WebhookKey, sign, verify

KEY = WebhookKey("3C0D9B1E6F5A", 2)


def test_what_was_signed_is_known():
    assert verify(sign(KEY)) == KEY


@pytest.mark.parametrize("place", [0, 5, -1])
def test_one_other_letter_is_refused_however_often_the_right_one_came(place):
    right = sign(KEY)
    assert verify(right)
    wrong = list(right)
    wrong[place] = "A" if wrong[place] != "A" else "B"
    assert verify("".join(wrong)) is None
    assert verify(right)


def test_a_key_goes_with_the_secret_that_signed_it(settings):
    key = sign(KEY)
    assert verify(key)
    settings.WEBHOOK_SIGNING_KEYS = ["another-" + "n" * 40]
    assert verify(key) is None


def test_a_key_stays_while_its_secret_is_the_older_one(settings):
    key = sign(KEY)
    settings.WEBHOOK_SIGNING_KEYS = ["another-" + "n" * 40, *settings.WEBHOOK_SIGNING_KEYS]
    assert verify(key) == KEY
