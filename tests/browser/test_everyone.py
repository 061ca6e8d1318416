"""WCAG 2.2 AA, keyboard only, narrow windows, no script, dark and light."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from messages.accounts.encrypted_addresses import encrypt_address

from .crawl import pages

pytestmark = pytest.mark.browser

AXE = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}


@pytest.fixture
def addresses(messages, instance, admin_user, report, deliver):
    """URLs of all linked pages, and of some pages with more content."""
    report("SENT", id="STUCK", minutes_ago=42)
    deliver("REFUSED", error="Phone number does not exist")
    return [
        *pages(admin_user).values(),
        "/?q=44+99999-9999&status=read&status=failed&period=30d&inbound=1",
        "/?q=nothing",
        "/?q=44+98888-1234",
        "/?view=stuck",
        *(f"/messages/{message.pk}/" for message in messages.values()),
        f"/messages/{messages['played'].pk}/callbacks/",
        f"/recipients/{encrypt_address('5544999999999')}/",
        f"/recipients/{encrypt_address('5511999990000')}/",
        "/nowhere/",
    ]


SIGNED_OUT = ["/account/login/", "/account/password/reset/", "/nowhere/"]


def violations(page):
    found = Axe().run(page, options=AXE)
    return found.generate_report() if found.violations_count else ""


def unfold(page):
    """Open all <details> except menus, which cover other content."""
    page.evaluate("document.querySelectorAll('details:not(.menu)').forEach(one => one.open = true)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violations_on_any_page(scheme, open_page, admin_user, addresses):
    page = open_page(admin_user, color_scheme=scheme)
    for address in addresses:
        page.goto(address)
        unfold(page)
        assert not violations(page), address


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violations_before_sign_in(scheme, open_page):
    page = open_page(color_scheme=scheme)
    for address in SIGNED_OUT:
        page.goto(address)
        assert not violations(page), address


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violations_in_an_open_menu(scheme, open_page, support, messages):
    page = open_page(support, color_scheme=scheme)
    page.goto("/?status=read")
    for menu in page.locator("details.menu > summary").all():
        menu.click()
        assert not violations(page), menu.inner_text()
        page.keyboard.press("Escape")


@pytest.mark.parametrize("language", ["en-GB", "pt-BR"])
@pytest.mark.parametrize("width", [320, 375, 768, 1024, 1280])
def test_pages_do_not_overflow_the_window(width, language, open_page, admin_user, addresses):
    page = open_page(admin_user, width=width, locale=language)
    for address in addresses:
        page.goto(address)
        unfold(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address


@pytest.mark.parametrize("language", ["en-GB", "pt-BR"])
@pytest.mark.parametrize("name", ["message", "statusevent", "callback", "instance"])
@pytest.mark.usefixtures("addresses")
def test_lists_of_django_admin_do_not_scroll_sideways(name, language, open_page, admin_user):
    page = open_page(admin_user, locale=language)
    page.goto(f"/admin/whatsapp/{name}/")
    listed = page.locator("#changelist-form .results")
    assert listed.evaluate("one => one.scrollWidth <= one.clientWidth")


@pytest.mark.parametrize("language", ["en-GB", "pt-BR"])
@pytest.mark.parametrize("width", [320, 375])
def test_open_menus_do_not_overflow_the_window(width, language, open_page, support, messages):
    page = open_page(support, width=width, locale=language)
    page.goto("/")
    page.locator(".filters-switch > summary").click()
    for menu in page.locator("details.menu > summary").all():
        menu.click()
        panel = page.locator("details[open] > .menu-panel").bounding_box()
        assert panel["x"] >= 0, menu.inner_text()
        assert panel["x"] + panel["width"] <= width, menu.inner_text()


def test_message_can_be_searched_and_opened_by_keyboard(open_page, support, messages):
    page = open_page(support)
    page.goto(f"/messages/{messages['lid'].pk}/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator(".crumbs a")).to_be_focused()
    page.keyboard.press("Enter")
    page.locator("table").click(position={"x": 1, "y": 1})
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("PLAYED")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Ids, references and labels matching PLAYED")).to_be_visible()
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.row-link')"):
            break
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/messages/{messages['played'].pk}/$"))


@pytest.mark.parametrize(
    "address", ["/overview/", "/attention/", "/account/sessions/", "/nowhere/"]
)
def test_slash_key_focuses_the_search_on_every_page(open_page, support, messages, address):
    page = open_page(support)
    page.goto(address)
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()


def test_slash_key_in_a_text_field_types_a_slash(open_page, support, messages):
    page = open_page(support)
    page.goto("/")
    page.keyboard.type("a/b")
    expect(page.get_by_role("searchbox")).to_have_value("a/b")


def test_menu_can_be_opened_and_closed_by_keyboard(open_page, support, messages):
    page = open_page(support)
    page.goto("/")
    menu = page.locator("summary", has_text="Display")
    menu.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Dark")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Dark")).to_be_hidden()
    expect(menu).to_be_focused()


def test_keyboard_focus_is_visible(open_page, support, messages):
    page = open_page(support)
    page.goto("/")
    for _ in range(12):
        page.keyboard.press("Tab")
        outline = page.evaluate(
            """() => ['', '::after'].map(part =>
                getComputedStyle(document.activeElement, part)).some(style =>
                style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2)"""
        )
        assert outline, page.evaluate("document.activeElement.outerHTML")


def test_site_works_without_javascript(open_page, support, messages):
    page = open_page(support, java_script_enabled=False)
    page.goto("/")
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)
    page.locator("summary", has_text="Status").click()
    page.get_by_role("link", name="Played", exact=True).click()
    expect(page.locator(".row-link")).to_have_count(1)
    page.get_by_role("link", name="+55 44 99999-9999").click()
    expect(page.locator(".ours")).to_contain_text("Read by us")
    page.locator("summary", has_text="Display").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.locator("summary", has_text="support").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_theme_follows_the_system_until_the_user_chooses_one(open_page, support, messages):
    page = open_page(support, color_scheme="dark")
    page.goto("/")
    background = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(background)
    page.locator("summary", has_text="Display").click()
    page.get_by_role("button", name="Light").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    assert page.evaluate(background) != dark


def test_times_are_shown_in_the_browsers_time_zone(open_page, support, messages):
    page = open_page(support, timezone_id="America/Manaus")
    page.goto("/")
    page.locator("summary", has_text="Display").click()
    page.get_by_role("button", name="English").click()
    expect(page.get_by_text("Times are shown in Manaus (UTC−4).")).to_be_visible()
    page.locator("summary", has_text="Display").click()
    page.get_by_role("button", name="UTC").click()
    expect(page.get_by_text("Times are shown in UTC.")).to_be_visible()


def test_language_can_be_chosen_before_sign_in(open_page):
    page = open_page()
    page.goto("/account/login/")
    page.locator("summary", has_text="Display").click()
    page.get_by_role("button", name="Português").click()
    expect(page.locator("html")).to_have_attribute("lang", "pt-br")
