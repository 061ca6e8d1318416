"""The API docs work in a browser with the site's Content-Security-Policy."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_api_docs_work_without_requests_to_other_hosts(open_page, support, report):
    report("READ")
    page = open_page(support)
    hosts = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
    page.goto("/api/v1/docs/")
    operation = page.locator("#operations-messages-messages_list")
    operation.locator("button.opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table")).to_contain_text("3EB0A1")
    assert hosts <= {"localhost", None}
