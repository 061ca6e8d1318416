"""Second factors in a real browser, under the real Content-Security-Policy."""

from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.auth.models import User
from django.core.cache import cache
from django.urls import reverse
from playwright.sync_api import Page, expect

from tests.plugins.accounts import code

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "a-long-password"


@pytest.fixture(autouse=True)
def _forgotten_attempts(transactional_db: None) -> None:
    cache.clear()


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    """A browser with a fingerprint reader that always agrees."""
    page = open_page()
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options: dict[str, Any] = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return page


def sign_in(page: Page) -> None:
    page.goto("/account/login/")
    page.get_by_label("User name or e-mail").fill("support")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def add_passkey(page: Page, *, passwordless: bool) -> None:
    sign_in(page)
    page.goto("/account/two-factor/webauthn/add/")
    page.get_by_label("Name").fill("My laptop")
    page.get_by_label("Sign in without a password").set_checked(passwordless)
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()


def sign_out(page: Page) -> None:
    page.goto("/account/logout/")
    page.get_by_role("main").get_by_role("button", name="Sign out").click()


def test_passkey_signs_in_without_a_password(page: Page, support: User) -> None:
    add_passkey(page, passwordless=True)
    sign_out(page)
    page.goto("/account/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("heading", name="Messages")).to_be_visible()


def test_security_key_is_a_second_factor(page: Page, support: User) -> None:
    add_passkey(page, passwordless=False)
    sign_out(page)
    sign_in(page)
    page.get_by_role("button", name="Use a passkey or security key").click()
    expect(page.get_by_role("heading", name="Messages")).to_be_visible()


def test_failed_passkey_sign_in_is_explained(page: Page, support: User) -> None:
    page.goto("/account/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("The passkey was not used")).to_be_visible()


def test_passkey_is_renamed_and_removed(page: Page, support: User) -> None:
    add_passkey(page, passwordless=True)
    page.goto("/account/two-factor/webauthn/")
    page.get_by_role("link", name="Rename").click()
    page.get_by_label("Name").fill("Old laptop")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Old laptop")).to_be_visible()
    page.get_by_role("link", name="Remove").click()
    page.get_by_role("button", name="Remove the passkey").click()
    expect(page.get_by_text("No passkeys yet.")).to_be_visible()


def test_app_is_set_up_from_its_qr_code(page: Page, support: User) -> None:
    sign_in(page)
    page.goto("/account/two-factor/totp/activate/")
    picture = page.get_by_role("img", name="QR code")
    assert picture.evaluate("image => image.naturalWidth") > 0
    page.get_by_text("Enter the key manually").click()
    page.get_by_label("Authenticator code").fill(code(page.locator("#totp-secret").inner_text()))
    page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    assert Authenticator.objects.filter(type=Authenticator.Type.TOTP).count() == 1


def test_recovery_codes_ask_whether_they_were_saved(page, support):
    add_passkey(page, passwordless=False)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Recovery codes", level=1)).to_be_visible()
    page.get_by_role("checkbox", name="I saved these codes").check()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Two-factor sign-in")).to_be_visible()


def test_two_factor_pages_do_not_overflow_the_window(page, support, board):
    """Covers the two-factor pages, which the crawler does not reach."""
    add_passkey(page, passwordless=False)
    TOTP.activate(support, generate_totp_secret())
    key = Authenticator.objects.get(type=Authenticator.Type.WEBAUTHN).pk
    names = ("mfa_index", "mfa_list_webauthn", "mfa_add_webauthn", "mfa_view_recovery_codes")
    asking = ("account_reauthenticate", "mfa_reauthenticate", "mfa_reauthenticate_webauthn")
    more = ("mfa_generate_recovery_codes", "mfa_deactivate_totp", "usersessions_list")
    addresses = [
        *map(reverse, names + asking + more),
        *(reverse(f"mfa_{act}_webauthn", args=[key]) for act in ("edit", "remove")),
    ]
    assert not overflowing(page, board, addresses)
    sign_out(page)
    sign_in(page)
    assert page.url.endswith(reverse("mfa_authenticate"))
    assert not overflowing(page, board, [reverse("mfa_authenticate")])


def overflowing(page, board, addresses):
    found = []
    for language in ("en", "pt-br"):
        page.context.add_cookies([{"name": "django_language", "value": language, "url": board}])
        for address in addresses:
            page.goto(address)
            for width in (320, 375):
                page.set_viewport_size({"width": width, "height": 900})
                if page.evaluate("document.documentElement.scrollWidth") > width:
                    found.append((language, width, address))
    page.context.clear_cookies(name="django_language")
    return found


def test_site_on_an_ip_says_that_passkeys_do_not_work(page, support, board):
    sign_in(page)
    page.goto("/account/two-factor/webauthn/add/")
    words = page.get_by_text("Passkeys do not work on an IP address")
    expect(words).to_be_hidden()
    cookies = [cookie | {"domain": "127.0.0.1"} for cookie in page.context.cookies()]
    page.context.add_cookies(cookies)
    page.goto(f"{board.replace('localhost', '127.0.0.1')}/account/two-factor/webauthn/add/")
    expect(words).to_be_visible()
    expect(page.get_by_role("button", name="Add a passkey")).to_be_hidden()
