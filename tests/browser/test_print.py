"""Messages on paper: A4, black on white, with nothing cut off."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

# The printable width of an A4 page in CSS pixels.
PAPER = 703


@pytest.fixture
def paper(open_page, support):
    page = open_page(support, width=PAPER, locale="pt-BR")
    page.emulate_media(media="print")
    return page


def test_printed_tables_fit_the_paper(paper, messages):
    for address in ("/?period=all", *(f"/messages/{one.pk}/" for one in messages.values())):
        paper.goto(address)
        for table in paper.locator("table").all():
            box = table.bounding_box()
            assert box["x"] + box["width"] <= PAPER, address
        assert paper.evaluate("document.documentElement.scrollWidth") <= PAPER, address


def test_tabs_and_buttons_are_not_printed(paper, messages):
    paper.goto("/")
    for part in (".views", ".toolbar", ".search", ".export"):
        expect(paper.locator(part)).to_be_hidden()
