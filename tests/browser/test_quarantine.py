"""Checkboxes in the list of rejected callbacks work although the whole row is a link."""

import pytest
from playwright.sync_api import expect

from messages.models import Callback

pytestmark = pytest.mark.browser


def test_selected_callbacks_are_discarded_after_confirmation(open_page, admin_user, post):
    for _ in range(3):
        post(b"{")
    page = open_page(admin_user)
    page.goto("/quarantine/")
    for place in (0, 1):
        page.get_by_role("checkbox").nth(place).check()
    page.get_by_role("button", name="Discard selected").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Discard 2 callbacks?")
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_text("2 callbacks were discarded.")).to_be_visible()
    assert Callback.objects.quarantined().count() == 1
