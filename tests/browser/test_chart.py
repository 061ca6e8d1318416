"""The chart of the Overview with its script."""

from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from messages.models import HourlySummary
from messages.summaries.days import sum_days

pytestmark = pytest.mark.browser


@pytest.fixture
def page(open_page, support, instance):
    """The chart of a day with two hours of messages; one message failed."""
    hours = [datetime(2026, 3, 10, hour, tzinfo=UTC) for hour in (10, 14)]
    for messages, hour in enumerate(hours, 1):
        HourlySummary.objects.create(
            instance=instance,
            hour=hour,
            is_group=False,
            computed_at=hour,
            messages=messages,
            failed=messages - 1,
        )
    sum_days([(instance.pk, hour) for hour in hours])
    page = open_page(support, timezone_id="UTC")
    page.goto("/overview/?since=2026-03-10T00:00Z&until=2026-03-11T00:00Z")
    return page


def test_pointing_at_a_bar_shows_its_numbers(page):
    page.locator(".canvas a").last.hover()
    expect(page.locator(".tip")).to_contain_text("10 Mar, 14:00")
    expect(page.locator(".tip")).to_contain_text("1 (50.0%)")


def test_arrow_keys_walk_from_bar_to_bar(page):
    page.locator(".canvas a[tabindex='0']").focus()
    expect(page.locator(".tip")).to_contain_text("14:00")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".tip")).to_contain_text("10:00")
    expect(page.locator(".canvas a[tabindex='0']")).to_be_focused()


def test_dragging_zooms_and_a_link_returns(page):
    expect(page.get_by_text("Drag across the chart to zoom in")).to_be_visible()
    box = page.locator(".canvas").bounding_box()
    hour = box["width"] / 24
    page.mouse.move(box["x"] + 9.5 * hour, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 11.5 * hour, box["y"] + 50, steps=3)
    page.mouse.up()
    page.wait_for_url("**since=2026-03-10T09%3A00Z&until=2026-03-10T12%3A00Z")
    page.locator(".volume").get_by_role("link", name="Back to: Last 7 days").click()
    page.wait_for_url("**/overview/?period=7d")


def test_escape_ends_a_drag(page):
    address = page.url
    box = page.locator(".canvas").bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 50, steps=3)
    page.keyboard.press("Escape")
    page.mouse.up()
    expect(page.locator(".chosen")).to_be_hidden()
    assert page.url == address


def test_tap_on_an_hour_shows_its_number_and_the_second_tap_its_messages(
    open_page, support, instance
):
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    HourlySummary.objects.create(
        instance=instance, hour=hour, is_group=False, computed_at=hour, messages=12
    )
    sum_days([(instance.pk, hour)])
    page = open_page(support, timezone_id="UTC", width=375, has_touch=True, is_mobile=True)
    page.goto("/overview/")
    cell = page.locator(".heat td a")
    cell.tap()
    expect(cell.get_by_text("12 messages")).to_be_visible()
    assert "/overview/" in page.url
    cell.tap()
    page.wait_for_url("**weekday=**")


def test_phone_shows_the_period_beside_the_filters(open_page, support, instance):
    page = open_page(support, width=375)
    page.goto("/overview/?period=30d&groups=0")
    expect(page.locator(".overview-filters").get_by_text("Last 30 days").first).to_be_visible()
    expect(page.get_by_text("Filters (1)")).to_be_visible()
    expect(page.get_by_text("To individuals").first).to_be_hidden()
