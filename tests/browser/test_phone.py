"""What a phone shows without scrolling."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from messages.incidents.incident_counts import Counts, incident_counts
from messages.models import Incident, IncidentKind, Writing

pytestmark = pytest.mark.browser

HEIGHT = 740


@pytest.fixture
def phone(open_page, admin_user, report):
    def open_list(query="", width=375, **options):
        page = open_page(admin_user, width=width, **options)
        page.set_viewport_size({"width": width, "height": HEIGHT})
        page.goto(f"/{query}")
        return page

    report("SENT", id="STUCK", minutes_ago=90)
    incident_counts.freeze(Counts())
    return open_list


def problem(instance, kind, **fields):
    now = timezone.now()
    Incident.objects.create(kind=kind, instance=instance, opened_at=now, last_seen_at=now, **fields)


@pytest.mark.parametrize("locale", ["en-GB", "pt-BR"])
@pytest.mark.parametrize("query", ["", "?view=failed", "?period=30d"])
def test_first_message_is_in_the_top_third(phone, deliver, query, locale):
    deliver("FAILED", error="expired")
    row = phone(query, locale=locale).locator(".row-link").first
    assert row.bounding_box()["y"] <= HEIGHT / 3


@pytest.mark.parametrize("width", [375, 320])
def test_current_period_is_visible_with_the_filters_closed(phone, width):
    page = phone("?view=stuck", width)
    expect(page.locator(".period summary")).to_be_visible()
    expect(page.locator(".period summary")).to_contain_text("Last 24 hours")
    expect(page.locator(".filters")).to_be_hidden()


@pytest.mark.parametrize(
    ("path", "row", "name"),
    [("?view=groups", ".views .tabs", "Groups"), ("people/", ".nav", "People")],
)
def test_current_link_of_a_row_that_scrolls_is_before_its_fade(phone, path, row, name):
    current = phone(path).locator(f"{row} [aria-current]")
    expect(current).to_contain_text(name)
    box = current.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 375 - 4.5 * 16


@pytest.mark.parametrize("width", [375, 320])
def test_export_menu_opens_inside_the_window(phone, width):
    page = phone(width=width)
    page.locator(".filters-switch > summary").click()
    page.locator(".export summary").click()
    panel = page.locator(".export .menu-panel")
    expect(panel.get_by_role("button", name="CSV")).to_be_in_viewport(ratio=1)
    box = panel.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width


def test_banners_take_one_line(phone, instance, account):
    instance.name = "An instance with a rather long name for a phone"
    instance.save()
    problem(instance, IncidentKind.DISCONNECTED)
    problem(instance, IncidentKind.SILENT, acknowledged_at=timezone.now())
    incident_counts.freeze(Counts(open=2))
    page = phone()
    assert page.locator("#attention").bounding_box()["height"] < 40
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


@pytest.mark.parametrize("width", [320, 360, 375, 414])
def test_note_about_an_answer_fits_into_the_window(phone, report, instance, width):
    message = report("SENT", "RECEIVED", minutes_ago=100)
    wrote = message.delivered_at + timedelta(minutes=47, seconds=25)
    Writing.objects.create(
        instance=instance,
        address=message.phone,
        period=wrote.replace(minute=0, second=0, microsecond=0),
        first_at=wrote,
        last_at=wrote,
    )
    page = phone(width=width, locale="pt-BR")
    expect(page.get_by_text("Escreveu para nós +47 min").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == width
