"""One-time codes work only once, even for two simultaneous requests."""

import time
from typing import Any

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from tests.attacks.lockstep import at_once
from tests.plugins.accounts import TOTP_SECRET, code, enrol, is_signed_in, sign_in
from tests.plugins.pages import HttpsClient

CODE_PAGE = "/account/two-factor/authenticate/"
PERIOD = 30
on_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql",
    reason="SQLite in memory, as of tests, refuses a second thread where a file makes it wait",
)


def past_the_password() -> Client:
    browser = HttpsClient()
    sign_in(browser, "ana")
    return browser


@pytest.fixture
def enrolled(ana: User) -> User:
    enrol(ana)
    return ana


def test_authenticator_code_is_accepted_once_in_its_whole_validity(enrolled, monkeypatch):
    """A code is valid in its own period and in one before and after, because clocks differ."""
    now = time.time()
    period = int(now) // PERIOD
    valid = {"code": format_hotp_value(hotp_value(TOTP_SECRET, period - 1))}
    monkeypatch.setattr("time.time", lambda: (period - 2) * PERIOD)
    first = past_the_password()
    first.post(CODE_PAGE, valid)
    monkeypatch.setattr("time.time", lambda: now)
    second = past_the_password()
    second.post(CODE_PAGE, valid)
    assert (is_signed_in(first), is_signed_in(second)) == (True, False)


def test_used_code_with_spaces_is_refused(enrolled):
    now = code()
    past_the_password().post(CODE_PAGE, {"code": now})
    second = past_the_password()
    second.post(CODE_PAGE, {"code": f" {now[:3]} {now[3:]} "})
    assert not is_signed_in(second)


def test_recovery_code_is_accepted_once(enrolled):
    recovery = RecoveryCodes.activate(enrolled).generate_codes()[0]
    browsers = [past_the_password(), past_the_password()]
    for browser in browsers:
        browser.post(CODE_PAGE, {"code": recovery})
    assert [is_signed_in(browser) for browser in browsers] == [True, False]


@on_postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["app", "recovery"])
def test_code_sent_twice_at_once_is_accepted_once(enrolled, kind):
    recovery = RecoveryCodes.activate(enrolled).generate_codes()[0]
    fields = {"code": code() if kind == "app" else recovery}
    one, other = past_the_password(), past_the_password()

    def enter(browser: Client) -> Any:
        return lambda: browser.post(CODE_PAGE, fields)

    at_once(enter(one), enter(other))
    assert sorted([is_signed_in(one), is_signed_in(other)]) == [False, True]
