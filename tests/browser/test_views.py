"""Saved views and recipient search work by keyboard and without JavaScript."""

import re

import pytest
from django.contrib.auth.models import Permission, User
from playwright.sync_api import expect

from messages.models import SavedView

pytestmark = pytest.mark.browser


def tab_to(page, matching, most=40):
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", matching):
            return
    raise AssertionError(matching)


def test_view_can_be_saved_and_deleted_by_keyboard(open_page, support, deliver):
    deliver("FAILED", error="expired")
    page = open_page(support)
    page.goto("/")
    tab_to(page, "a[href='/?view=failed']")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("view=failed"))
    tab_to(page, ".views summary")
    page.keyboard.press("Enter")
    tab_to(page, "#view-name")
    page.keyboard.type("Bad days")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Bad days")).to_have_attribute("aria-current", "page")
    tab_to(page, ".views summary")
    page.keyboard.press("Enter")
    tab_to(page, ".views .danger")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Delete the view “Bad days”?")).to_be_visible()
    tab_to(page, "main .danger")
    page.keyboard.press("Enter")
    expect(page.get_by_text("View “Bad days” deleted.")).to_be_visible()


@pytest.fixture
def five_views(support):
    SavedView.objects.bulk_create(
        SavedView(user=support, name=f"Campaign {number} of the shop", query=f"q=SHOP{number}")
        for number in range(5)
    )


def test_view_tabs_wrap_instead_of_overflowing(open_page, support, five_views):
    page = open_page(support)
    page.goto("/?q=SHOP4")
    tabs = page.locator(".views .tabs")
    assert tabs.evaluate("one => one.scrollWidth <= one.clientWidth")


def test_current_view_is_visible_on_a_phone(open_page, support, five_views):
    page = open_page(support, width=375)
    page.goto("/?q=SHOP4")
    current = page.locator(".views [aria-current=page]")
    expect(current).to_have_text("Campaign 4 of the shop")
    expect(current).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_recipient_link_shows_all_messages_without_javascript(scheme, open_page, support, report):
    report("SENT", "RECEIVED", id="A")
    message = report("SENT", id="B")
    page = open_page(support, java_script_enabled=False, color_scheme=scheme)
    page.goto(f"/messages/{message.pk}/")
    page.get_by_role("link", name="Same recipient").click()
    expect(page.locator(".row-link")).to_have_count(2)
    expect(page.locator(".funnel")).to_contain_text("50.0%")
    assert "9999" not in page.url


def test_masked_user_can_search_by_full_number(open_page, db, report):
    user = User.objects.create_user("masked")
    user.user_permissions.add(Permission.objects.get(codename="view_message"))
    report("SENT")
    page = open_page(user)
    page.goto("/")
    page.get_by_role("searchbox").fill("+55 44 99999-9999")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("•••• 99")
    assert "9999" not in page.url + page.title() + page.content()


def test_failure_reason_in_the_list_is_not_cut_off(open_page, support, deliver):
    deliver(error="Phone number does not exist")
    page = open_page(support)
    page.goto("/")
    words = page.locator(".badge.failed .badge-words")
    assert words.evaluate("one => one.scrollWidth <= one.clientWidth")


def test_events_label_and_value_share_a_line_on_a_phone(open_page, support, messages):
    page = open_page(support, width=375)
    page.goto(f"/messages/{messages['group'].pk}/")
    page.get_by_label("Show all events").check()
    cell = page.locator(".events td[data-label=Happened]").first
    assert cell.bounding_box()["height"] < 40
