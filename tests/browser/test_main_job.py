"""Did my message arrive? Support signs in, finds a message and copies its summary."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

FIVE = ("SENT", "RECEIVED", "READ", "READ_BY_ME", "PLAYED")


def sign_in(page):
    page.goto("/")
    page.get_by_label("User name or e-mail").fill("support")
    page.get_by_label("Password", exact=True).fill("a-long-password")
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_support_signs_in_and_finds_a_message_by_number(open_page, support, report):
    report(*FIVE)
    report("SENT", id="OTHER", phone="5511987650000")
    page = open_page()
    sign_in(page)
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("+55 (44) 9 9999-9999")
    page.keyboard.press("Enter")
    expect(page.get_by_text("with and without the 9")).to_be_visible()
    expect(page.locator(".row-link")).to_have_count(1)
    page.get_by_role("link", name="+55 44 99999-9999").click()
    reached = page.locator(".step.is-reached .step-name, .step.is-implied .step-name")
    expect(reached).to_have_text(["Dispatched", "Sent", "Delivered", "Read", "Played"])
    expect(page.locator(".step.is-implied")).to_have_text(re.compile("Dispatched"))
    expect(page.locator(".ours")).to_contain_text("Read by us")


def test_copy_button_copies_the_summary_sentence(open_page, support, report):
    message = report("SENT", "RECEIVED")
    page = open_page(support, permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"/messages/{message.pk}/")
    page.get_by_role("button", name="Copy").first.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(
        r"Delivered on \d+ \w+ at [\d:]+, 1 s after sending\. No read confirmation\."
        r" \(Times in UTC\.\)",
        copied,
    )


def test_sentence_for_the_customer_is_copied_without_the_reason(open_page, support, deliver):
    message = deliver(error="Phone number does not exist")
    page = open_page(support, permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"/messages/{message.pk}/")
    page.get_by_role("button", name="Copy for the customer").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert "WhatsApp" not in page.evaluate("navigator.clipboard.readText()")
    page.get_by_role("button", name="Copy with internal details").click()
    expect(page.get_by_role("button", name="Copied")).to_have_count(2)
    assert "was not on WhatsApp" in page.evaluate("navigator.clipboard.readText()")


def test_copy_button_keeps_line_breaks_of_a_raw_callback(open_page, admin_user, report):
    message = report("SENT")
    page = open_page(admin_user, permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"/messages/{message.pk}/callbacks/")
    page.locator(".callback summary").click()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator(".callback pre").text_content()
    assert "\n" in copied


def test_copy_button_works_without_the_clipboard_api(open_page, support, report):
    """On a site without HTTPS, browsers have no clipboard API."""
    message = report("SENT", "RECEIVED")
    page = open_page(support, permissions=["clipboard-read"])
    page.add_init_script(
        """window.pasted = navigator.clipboard;
        Object.defineProperty(navigator, "clipboard", { value: undefined });"""
    )
    page.goto(f"/messages/{message.pk}/")
    page.get_by_role("button", name="Copy").first.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("window.pasted.readText()") == page.locator("#sentence").inner_text()


def test_copied_sentence_has_the_recipient_and_the_browser_remembers_it(open_page, support, report):
    message = report("SENT", "RECEIVED")
    page = open_page(support, permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"/messages/{message.pk}/")
    page.get_by_role("checkbox", name="recipient").check()
    page.reload()
    expect(page.get_by_role("checkbox", name="recipient")).to_be_checked()
    expect(page.get_by_role("checkbox", name="sender")).not_to_be_checked()
    page.get_by_role("button", name="Copy").first.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    lines = page.evaluate("navigator.clipboard.readText()").split("\n")
    assert lines[0].startswith("Delivered on")
    assert lines[1:] == ["Recipient: +55 44 99999-9999"]


def test_ordinary_events_are_shown_on_request_and_odd_ones_always(open_page, support, report):
    report("SENT", "RECEIVED")
    message = report("TELEPORTED")
    page = open_page(support)
    page.goto(f"/messages/{message.pk}/")
    events = page.locator(".events tbody tr")
    expect(events.locator("visible=true")).to_have_count(1)
    expect(events.filter(has_text="TELEPORTED")).to_be_visible()
    page.get_by_role("checkbox", name="Show all events").check()
    expect(events.locator("visible=true")).to_have_count(3)


def test_click_anywhere_in_a_row_opens_the_message(open_page, support, report):
    message = report("SENT")
    page = open_page(support)
    page.goto("/")
    page.get_by_role("cell", name="Atendimento").click(force=True)
    expect(page).to_have_url(re.compile(f"/messages/{message.pk}/$"))


def test_status_menu_sets_a_filter_and_its_chip_removes_it(open_page, support, report, deliver):
    report("SENT", "READ")
    deliver("FAILED", error="Phone number does not exist")
    page = open_page(support)
    page.goto("/")
    page.locator("summary", has_text="Status").click()
    page.locator(".menu-item", has_text="Failed").click()
    expect(page.locator(".row-link")).to_have_count(1)
    page.get_by_role("link", name="Status: Failed").click()
    expect(page.locator(".row-link")).to_have_count(2)


def test_printed_message_contains_no_buttons(open_page, admin_user, report):
    message = report("SENT", "RECEIVED")
    page = open_page(admin_user)
    page.goto(f"/messages/{message.pk}/")
    page.emulate_media(media="print")
    expect(page.locator(".sentence .print-only")).to_be_visible()
    for hidden in (".nav", ".header-tools", "[data-copy] >> nth=0", ".tabs"):
        expect(page.locator(hidden)).to_be_hidden()


def test_slash_key_on_a_message_page_focuses_the_search(open_page, support, report):
    message = report("SENT")
    page = open_page(support)
    page.goto(f"/messages/{message.pk}/")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()


def test_back_link_keeps_the_search(open_page, support, report):
    report("SENT")
    page = open_page(support)
    page.goto("/?q=3EB0A1&status=sent")
    page.locator("tbody a").click()
    page.get_by_role("link", name="Same recipient").click()
    page.locator(".crumbs a").click()
    expect(page).to_have_url(re.compile(r"/\?q=3EB0A1&status=sent$"))


def test_menu_closes_when_keyboard_focus_leaves_it(open_page, support, report):
    report("SENT")
    page = open_page(support)
    page.goto("/")
    menu = page.locator("details.menu").filter(has_text="Kind").first
    menu.locator("summary").click()
    expect(menu).to_have_attribute("open", "")
    menu.locator("a").last.focus()
    page.keyboard.press("Tab")
    expect(menu).not_to_have_attribute("open", "")


def test_click_on_text_in_a_menu_keeps_it_open(open_page, support, report):
    page = open_page(support)
    page.goto("/?status=read")
    page.get_by_text("Save view").click()
    page.get_by_text("Only you can see your saved views.").click()
    expect(page.get_by_label("Name", exact=True)).to_be_visible()
