"""The reauthentication page."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from playwright.sync_api import Page

from messages.accounts.recent_sign_in import AUTHENTICATED_AT
from tests.plugins.accounts import enrol

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("locale", ["en-GB", "pt-BR"])
@pytest.mark.parametrize("width", [320, 375])
def test_reauthentication_page_fits_a_phone(
    open_page: Callable[..., Page], admin_user: User, locale: str, width: int
) -> None:
    enrol(admin_user)
    page = open_page(admin_user, width=width, locale=locale)
    session = SessionStore(page.context.cookies()[0]["value"])
    session[AUTHENTICATED_AT] = 1
    session.save()
    page.goto("/api-keys/add/")
    page.wait_for_url("**/reauthenticate/**")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
