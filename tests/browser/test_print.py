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


def test_printed_proof_of_delivery_is_one_sheet_with_the_company_and_all_events(
    paper, messages, settings
):
    settings.COMPANY_NAME = "Padaria Sol Nascente"
    paper.goto(f"/messages/{messages['played'].pk}/")
    expect(paper.get_by_text("Padaria Sol Nascente")).to_be_visible()
    expect(paper.locator(".print-title")).to_have_text("Comprovante de entrega")
    hidden = paper.locator(".events tbody tr").filter(visible=False)
    expect(hidden).to_have_count(0)
    assert paper.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") == 1


def test_tabs_and_buttons_are_not_printed(paper, messages):
    paper.goto("/")
    for part in (".views", ".toolbar", ".search", ".export"):
        expect(paper.locator(part)).to_be_hidden()
