"""The open message beside the list, and the keys."""

import re

import pytest
from playwright.sync_api import expect

from .test_everyone import violations

pytestmark = pytest.mark.browser


@pytest.fixture
def three(report):
    """Newest first, as in the list."""
    return [report("SENT", "RECEIVED", id=name) for name in ("C", "B", "A")][::-1]


@pytest.fixture
def listed(open_page, support, three):
    page = open_page(support, permissions=["clipboard-read", "clipboard-write"])
    page.goto("/?status=received")
    page.evaluate("document.activeElement.blur()")
    return page


def address_of(message):
    return re.compile(f"/messages/{message.pk}/$")


def test_click_opens_the_message_beside_the_list(listed, three):
    listed.locator(".row-link").nth(1).click()
    panel = listed.get_by_role("complementary")
    expect(panel.locator("#sentence")).to_contain_text("Delivered on")
    expect(panel.get_by_role("heading", level=1)).to_be_focused()
    expect(listed).to_have_url(address_of(three[1]))
    expect(listed).to_have_title(re.compile("Message B"))
    expect(listed.locator(".row-link[aria-current=true]")).to_have_count(1)
    assert listed.locator(".row-link").count() == 3


def test_back_closes_the_panel_and_keeps_list_and_focus(listed):
    listed.evaluate("window.stays = true")
    listed.locator(".row-link").nth(1).click()
    expect(listed.locator("#sentence")).to_be_visible()
    listed.go_back()
    expect(listed.get_by_role("complementary")).to_be_hidden()
    expect(listed).to_have_url(re.compile(r"/\?status=received$"))
    expect(listed.locator(".row-link").nth(1)).to_be_focused()
    assert listed.evaluate("window.stays")
    listed.go_forward()
    expect(listed.locator("#sentence")).to_be_visible()


def test_arrows_lead_from_the_search_through_the_rows(listed):
    search = listed.locator("main [data-search]")
    search.focus()
    listed.keyboard.press("ArrowDown")
    expect(listed.locator(".row-link").first).to_be_focused()
    listed.keyboard.press("ArrowDown")
    expect(listed.locator(".row-link").nth(1)).to_be_focused()
    listed.keyboard.press("ArrowUp")
    expect(listed.locator(".row-link").first).to_be_focused()


def test_arrows_lead_from_the_open_message_to_the_next(listed, three):
    listed.locator(".row-link").first.click()
    expect(listed).to_have_url(address_of(three[0]))
    listed.keyboard.press("ArrowDown")
    expect(listed).to_have_url(address_of(three[1]))


def test_escape_leaves_an_empty_search(listed):
    search = listed.locator("main [data-search]")
    search.focus()
    listed.keyboard.press("Escape")
    expect(search).not_to_be_focused()
    listed.keyboard.press("?")
    expect(listed.get_by_role("dialog")).to_be_visible()


@pytest.mark.parametrize("way", ["Escape", "button"])
def test_panel_can_be_closed(listed, way):
    listed.locator(".row-link").first.click()
    expect(listed.locator("#sentence")).to_be_visible()
    if way == "button":
        listed.get_by_role("button", name="Close").click()
    else:
        listed.keyboard.press("Escape")
    expect(listed.get_by_role("complementary")).to_be_hidden()
    expect(listed).to_have_url(re.compile(r"/\?status=received$"))
    expect(listed.locator(".row-link").first).to_be_focused()


def test_reload_shows_the_full_page_and_back_leads_to_the_list(listed, three):
    listed.locator(".row-link").first.click()
    expect(listed.locator("#sentence")).to_be_visible()
    listed.reload()
    expect(listed).to_have_url(address_of(three[0]))
    expect(listed.locator(".row-link")).to_have_count(0)
    listed.go_back()
    expect(listed.locator(".row-link")).to_have_count(3)
    expect(listed).to_have_url(re.compile(r"/\?status=received$"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violations_in_the_panel(open_page, support, three, scheme):
    page = open_page(support, color_scheme=scheme)
    page.goto("/")
    page.locator(".row-link").first.click()
    expect(page.locator("#sentence")).to_be_visible()
    assert not violations(page)


def test_middle_click_opens_the_full_page_in_a_tab(listed, three):
    with listed.context.expect_page() as opened:
        listed.locator(".row-link").first.click(button="middle")
    expect(opened.value).to_have_url(address_of(three[0]))
    expect(listed.get_by_role("complementary")).to_be_hidden()


def test_narrow_window_opens_the_full_page(open_page, support, three):
    page = open_page(support, width=1024)
    page.goto("/")
    page.locator(".row-link").first.click()
    expect(page).to_have_url(address_of(three[0]))
    expect(page.locator(".crumbs a")).to_be_visible()


def test_list_can_be_walked_with_the_keyboard(listed, three):
    rows = listed.locator(".row-link")
    listed.keyboard.press("j")
    expect(rows.nth(0)).to_be_focused()
    listed.keyboard.press("j")
    listed.keyboard.press("j")
    listed.keyboard.press("j")
    expect(rows.nth(2)).to_be_focused()
    listed.keyboard.press("k")
    expect(rows.nth(1)).to_be_focused()
    listed.keyboard.press("Enter")
    expect(listed).to_have_url(address_of(three[1]))
    listed.keyboard.press("j")
    expect(listed).to_have_url(address_of(three[2]))
    expect(rows.nth(2)).to_be_focused()
    listed.keyboard.press("c")
    expect(listed.get_by_role("button", name="Copied")).to_be_visible()
    assert "Delivered on" in listed.evaluate("navigator.clipboard.readText()")
    listed.go_back()
    expect(listed).to_have_url(re.compile(r"/\?status=received$"))


def test_keys_do_nothing_while_typing(listed):
    listed.get_by_role("searchbox").click()
    listed.keyboard.type("jk?c/")
    expect(listed.get_by_role("searchbox")).to_have_value("jk?c/")
    expect(listed.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize("way", ["?", "menu"])
def test_list_of_keys_opens_and_closes(listed, way):
    if way == "menu":
        listed.locator("summary", has_text="support").click()
        listed.get_by_role("button", name="Keyboard shortcuts").click()
    else:
        listed.keyboard.press("?")
    expect(listed.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    listed.keyboard.press("Escape")
    expect(listed.get_by_role("dialog")).to_have_count(0)


def test_slash_focuses_the_search_of_every_page(open_page, support, three):
    page = open_page(support)
    for address in ("/", "/overview/", f"/messages/{three[0].pk}/", "/account/password/change/"):
        page.goto(address)
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("/")
        expect(page.get_by_role("searchbox")).to_be_focused()
        page.keyboard.type("A")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(r"/\?q=A"))


def test_search_in_the_header_covers_a_narrow_header_only_while_used(open_page, support, three):
    page = open_page(support, width=375)
    page.goto(f"/messages/{three[0].pk}/")
    box = page.get_by_role("searchbox")
    assert box.bounding_box()["width"] < 50
    before = page.locator("main").bounding_box()
    box.click()
    assert box.bounding_box()["width"] > 300
    assert page.locator("main").bounding_box() == before


def test_row_opens_the_full_page_without_javascript(open_page, support, three):
    page = open_page(support, java_script_enabled=False)
    page.goto("/")
    page.locator(".row-link").first.click()
    expect(page).to_have_url(address_of(three[0]))
    expect(page.locator("#sentence")).to_be_visible()
