"""The progress page of a long Excel export."""

import pytest
from playwright.sync_api import expect

from messages.exports import prepare_exports
from tests.browser.test_everyone import violations

pytestmark = pytest.mark.browser


def test_export_page_shows_the_download_link_when_the_file_is_ready(
    open_page, admin_user, report, monkeypatch
):
    monkeypatch.setattr("messages.dashboard.exports.views.AT_ONCE", 1)
    report("SENT", id="FIRST")
    report("SENT", id="SECOND")
    page = open_page(admin_user)
    page.goto("/")
    page.locator(".export summary").click()
    page.get_by_role("button", name="Excel (XLSX)").click()
    expect(page.get_by_text("Starting…")).to_be_visible()
    assert not violations(page)
    prepare_exports()
    expect(page.get_by_text("Rows: 2.")).to_be_visible()
    assert not violations(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename.endswith(".xlsx")


def test_number_of_rows_is_shown_next_to_the_export_buttons(open_page, admin_user, report):
    report("SENT", id="FIRST")
    report("SENT", id="SECOND")
    page = open_page(admin_user)
    page.goto("/?period=all")
    page.locator(".export summary").click()
    expect(page.locator(".export")).to_contain_text("2 messages.")
