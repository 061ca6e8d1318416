"""Accessibility: reduced motion, zoom and keyboard use."""

import re

import pytest
from playwright.sync_api import expect

from messages.accounts.encrypted_addresses import encrypt_address
from messages.models import HourlySummary, Retention
from messages.summaries.days import sum_days

from .test_views import tab_to

pytestmark = pytest.mark.browser

RECIPIENT = f"/recipients/{encrypt_address('5544999999999')}/"
MOVING = """() => [...document.querySelectorAll("*")]
    .flatMap(one => ["", "::before", "::after"].map(part => getComputedStyle(one, part)))
    .flatMap(style => `${style.transitionDuration}, ${style.animationDuration}`.split(", "))
    .filter(text => parseFloat(text) > 0.01).length"""


@pytest.fixture
def counted(report, instance):
    message = report("SENT", "RECEIVED")
    hour = message.sent_at.replace(minute=0, second=0, microsecond=0)
    HourlySummary.objects.create(
        instance=instance,
        hour=hour,
        is_group=False,
        computed_at=hour,
        messages=1,
        dispatched=1,
        sent=1,
        delivered=1,
    )
    sum_days([(instance.pk, hour)])
    return message


def test_pages_have_no_animation_with_reduced_motion(open_page, support, messages):
    page = open_page(support, reduced_motion="reduce")
    for address in ("/", f"/messages/{messages['played'].pk}/", "/overview/"):
        page.goto(address)
        assert page.evaluate(MOVING) == 0, address


def test_pages_at_400_percent_zoom_do_not_overflow(open_page, support, counted):
    """WCAG 1.4.10: at 400% zoom, a window of 1280 by 1024 has 320 by 256 CSS pixels."""
    page = open_page(support, width=320, device_scale_factor=4)
    page.set_viewport_size({"width": 320, "height": 256})
    for address in ("/", f"/messages/{counted.pk}/", RECIPIENT, "/overview/"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, address
        expect(page.get_by_role("main")).to_be_visible()
    page.goto("/")
    page.get_by_role("link", name="+55 44 99999-9999").click()
    expect(page.locator("#sentence")).to_contain_text("Delivered on")


def test_overview_can_be_used_by_keyboard(open_page, support, counted):
    page = open_page(support)
    page.goto("/overview/")
    tab_to(page, ".toolbar details.menu > summary")
    page.keyboard.press("Enter")
    tab_to(page, "a[href*='period=24h']")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("period=24h"))
    tab_to(page, ".numbers > summary")
    page.keyboard.press("Enter")
    tab_to(page, ".numbers a")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("since="))
    expect(page.locator(".row-link")).to_have_count(1)


def test_recipient_page_can_be_used_by_keyboard(open_page, support, counted):
    page = open_page(support)
    page.goto(f"/messages/{counted.pk}/")
    tab_to(page, ".tabs a[href^='/recipients/']")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Delivery to this recipient")).to_be_visible()
    tab_to(page, ".row-link")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/messages/{counted.pk}/$"))


def test_export_can_be_started_by_keyboard(open_page, admin_user, counted):
    page = open_page(admin_user)
    page.goto("/")
    tab_to(page, ".export summary")
    page.keyboard.press("Enter")
    tab_to(page, ".export button[value=csv]")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename.endswith(".csv")


def test_number_can_be_looked_up_by_keyboard(open_page, support, instance):
    page = open_page(support)
    page.goto("/")
    page.keyboard.type("+55 11 91234-5678")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="No messages found")).to_be_visible()
    tab_to(page, ".look-up button")
    page.keyboard.press("Enter")
    # Z-API is not reachable in this test, and the page says so after 5 seconds.
    expect(page.locator(".flash-region .notice")).to_be_visible(timeout=20_000)


def test_enter_key_in_a_retention_period_only_shows_the_preview(open_page, admin_user, counted):
    page = open_page(admin_user)
    page.goto("/retention/")
    page.get_by_label("Messages and their timelines").fill("90")
    page.keyboard.press("Enter")
    expect(page.get_by_role("columnheader", name="Would be deleted")).to_be_visible()
    assert not Retention.objects.filter(days__isnull=False).exists()


def test_timeline_flag_explanation_opens_by_keyboard(open_page, support, report):
    message = report("SENT", momment="yesterday")
    page = open_page(support)
    page.goto(f"/messages/{message.pk}/")
    explanation = page.get_by_text("Original time unusable")
    expect(explanation).to_be_hidden()
    page.locator("summary", has_text="suspicious time").press("Enter")
    expect(explanation).to_be_visible()
