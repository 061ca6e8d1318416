"""New messages are announced without moving rows, and updates can be paused."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

QUARTER = 16_000  # milliseconds; slightly more than the polling interval


@pytest.fixture
def live(open_page, support, report):
    report("SENT", id="FIRST")
    page = open_page(support)
    page.clock.install()
    page.goto("/")
    return page


def place(page):
    return page.locator("tbody tr").first.bounding_box()


def test_new_messages_are_announced_without_moving_a_row(live, report):
    before = place(live)
    report("SENT", id="SECOND")
    report("SENT", id="THIRD")
    live.clock.run_for(QUARTER)
    news = live.locator("#news")
    expect(news).to_have_text("2 new messages")
    expect(news).to_have_attribute("aria-live", "polite")
    assert place(live) == before
    expect(live.locator(".row-link")).to_have_count(1)
    live.get_by_role("link", name="2 new messages").click()
    expect(live.locator(".row-link")).to_have_count(3)


def test_changed_message_is_announced_and_shown_by_a_click(live, report):
    before = place(live)
    report("RECEIVED", id="FIRST")
    live.clock.run_for(QUARTER)
    expect(live.locator("#news")).to_have_text("1 message changed")
    assert place(live) == before
    live.get_by_role("link", name="1 message changed").click()
    expect(live.locator("td.state")).to_have_text("Delivered")


def test_news_float_above_the_list_on_a_phone(open_page, support, report):
    report("SENT", id="FIRST")
    page = open_page(support, width=375)
    page.clock.install()
    page.goto("/")
    before = place(page)
    report("SENT", id="SECOND")
    page.clock.run_for(QUARTER)
    expect(page.get_by_role("link", name="1 new message")).to_be_in_viewport(ratio=1)
    assert place(page) == before


def test_later_poll_sends_the_known_count_and_logs_nothing(live, report):
    said = []
    live.on("console", lambda message: said.append(message.text))
    report("SENT", id="SECOND")
    live.clock.run_for(QUARTER)
    expect(live.locator("#news")).to_have_text("1 new message")
    with live.expect_request(re.compile(r"/live/.+[?]known=1-0$")):
        live.clock.run_for(QUARTER)
    report("SENT", id="THIRD")
    live.clock.run_for(QUARTER)
    expect(live.locator("#news")).to_have_text("2 new messages")
    assert said == []


def test_updates_can_be_paused_and_resumed(live, report):
    asked = []
    live.on("request", lambda request: asked.append(request.url))
    live.get_by_role("button", name="Pause updates").press("Enter")
    live.clock.run_for(4 * QUARTER)
    assert not [url for url in asked if "/live/" in url]
    report("SENT", id="SECOND")
    live.get_by_role("button", name="Resume updates").press("Enter")
    expect(live.locator("#news")).to_have_text("1 new message")


def test_updates_stay_paused_after_a_reload(live):
    live.get_by_role("button", name="Pause updates").click()
    live.reload()
    expect(live.get_by_role("button", name="Resume updates")).to_be_visible()


def test_polling_stops_without_user_activity_and_resumes_with_it(live, report):
    # Jump in one step, so that no poll starts in between and is still running.
    live.clock.fast_forward(11 * 60_000)
    report("SENT", id="SECOND")
    asked = []
    live.on("request", lambda request: asked.append(request.url))
    live.clock.run_for(4 * QUARTER)
    assert not [url for url in asked if "/live/" in url]
    live.keyboard.press("Shift")
    expect(live.locator("#news")).to_have_text("1 new message")


def test_polling_after_a_sign_out_opens_the_sign_in_page(live):
    live.context.clear_cookies()
    live.clock.run_for(QUARTER)
    expect(live).to_have_url(re.compile(r"/account/login/\?next=/$"))
    expect(live.get_by_label("Password")).to_be_visible()


def test_update_controls_are_hidden_without_javascript(open_page, support, report):
    report("SENT")
    page = open_page(support, java_script_enabled=False)
    page.goto("/")
    expect(page.locator(".live")).to_be_hidden()
