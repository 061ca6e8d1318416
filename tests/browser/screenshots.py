"""`make screenshots`: every page and state, wide and narrow, light and dark, in screenshots/.

This is not a test: it has no assertions, only screenshots for review. Pytest runs it because it
needs the browser and server fixtures.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import timezone
from playwright.sync_api import Page, Route

from messages.exports import ask_for_file, prepare_exports
from messages.incidents.incident_counts import Counts, incident_counts
from messages.jobs.follow_ups import follow_up
from messages.models import Alias, ExportKind, Incident, IncidentKind, Label, SavedView
from messages.summaries import recompute

from .crawl import pages

pytestmark = pytest.mark.browser

FOLDER = Path(__file__).resolve().parents[2] / "screenshots"
LOOKS = [(width, scheme) for width in (1280, 375) for scheme in ("light", "dark")]
Take = Callable[..., None]


@pytest.fixture(scope="module", autouse=True)
def _fresh_folder() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()


@pytest.fixture
def take(open_page: Callable[..., Page], admin_user: User) -> Take:
    """Take screenshots of the URLs, in one folder per width and color scheme: state.page.png.

    `ready` prepares a page before its screenshot.
    """

    def take_all(
        state: str,
        addresses: dict[str, str],
        user: User | None = admin_user,
        ready: Callable[[Page], object] = lambda page: None,
        **options: str,
    ) -> None:
        for width, scheme in LOOKS:
            folder = FOLDER / f"{width}-{scheme}"
            folder.mkdir(exist_ok=True)
            page = open_page(user, width=width, color_scheme=scheme, **options)
            page.route("**/error/*", _error_page)
            for name, address in addresses.items():
                page.goto(address)
                ready(page)
                page.screenshot(
                    path=folder / f"{state}.{name.replace(':', '.')}.png", full_page=True
                )

    return take_all


def _error_page(route: Route) -> None:
    """Render an error page as the server does, because a browser cannot trigger each error."""
    code = route.request.url.rpartition("/")[2]
    request = RequestFactory().get("/")
    # An unsaved superuser needs no database query
    request.user = User(username="admin", is_superuser=True)
    body = render_to_string(f"{code}.html", {"minutes": 5}, request)
    route.fulfill(status=int(code[:3]), body=body, content_type="text/html")


def test_screenshots_of_pages_without_data(take, admin_user):
    take("empty", pages(admin_user))


def test_screenshots_of_pages_with_a_few_messages(take, admin_user, messages, instance):
    take("few", pages(admin_user))


def test_screenshots_of_pages_in_portuguese(take, admin_user, messages, instance):
    take("few pt-BR", pages(admin_user), locale="pt-BR")


def test_screenshots_of_each_kind_of_message(take, messages, report, instance):
    now = timezone.now()
    incident_counts.freeze(Counts(open=1))
    Incident.objects.create(
        kind=IncidentKind.DISCONNECTED,
        instance=instance,
        values={"queued": 37},
        opened_at=now,
        last_seen_at=now,
    )
    found = {**messages, "stuck": report("SENT", id="STUCK", minutes_ago=42)}
    take("message", {name: f"/messages/{one.pk}/" for name, one in found.items()})
    take("list", {"with a stuck one": "/"})


def test_screenshots_of_a_large_group(take, report):
    group = {"phone": "120363019502650977-group", "isGroup": True}
    for number in range(40):
        steps = ("RECEIVED", "READ")[: number % 2 + 1]
        message = report(*steps, participant=f"55119876543{number:02}", **group)
    take("message", {"large group": f"/messages/{message.pk}/"})


def test_screenshots_of_the_print_layout(take, messages):
    addresses = {name: f"/messages/{one.pk}/" for name, one in messages.items()}
    for locale in ("en-GB", "pt-BR"):
        take(
            f"print {locale}",
            {"messages": "/", **addresses},
            ready=lambda page: page.emulate_media(media="print"),
            locale=locale,
        )


def test_screenshots_of_saved_views(take, admin_user, messages):
    for number in range(5):
        name, query = f"Campaign {number} of the shop", f"q=SHOP{number}"
        SavedView.objects.create(user=admin_user, name=name, query=query)
    take("views", {"one of five": "/?q=SHOP4"})


def test_screenshots_of_open_menus(take, messages):
    menus = {"view": ".views", "status": ".filters", "period": ".period"}
    for name, place in menus.items():
        take("menu", {name: "/?status=read"}, ready=lambda page, place=place: _open(page, place))


def _open(page: Page, place: str) -> None:
    menu = page.locator(f"{place} details.menu > summary").first
    if not menu.is_visible():
        page.locator(".filters-switch > summary").click()
    menu.click()


def test_screenshots_of_a_long_export(take, admin_user, report):
    report("SENT")
    job = ask_for_file(admin_user, ExportKind.CSV, "", "UTC")
    take("export", {"waiting": f"/exports/{job.pk}/"})
    prepare_exports()
    take("export", {"done": f"/exports/{job.pk}/"})


def test_screenshots_of_pages_with_many_messages(take, admin_user, instance, report):
    for number in range(60):
        steps = ["SENT", "RECEIVED", "READ", "PLAYED"][: number % 4 + 1]
        phone = f"55449{90000000 + number * 1017}"
        report(*steps, id=f"3EB0{number:016X}", minutes_ago=60 + number, phone=phone)
    follow_up()
    recompute()
    take("many", {"messages": "/", "overview": "/overview/?period=24h"})


def test_screenshots_of_errors_and_empty_results(take, messages, instance):
    known_as = {"lid": "123456789012345@lid", "number": "5544988887777"}
    Alias.objects.create(instance=instance, **known_as)
    Label.objects.create(
        instance=instance, zapi_id="FUTURE", reference="order-1042", updated_at=timezone.now()
    )
    addresses = {
        "404": "/nowhere/",
        "nothing found": "/?q=5511912345678",
        "part": "/?q=9999",
        "among words": "/?q=Cel:+(11)+91234-5678+/+(11)+3333-4444",
        "labelled": "/?q=order-1042",
        "only known elsewhere": f"/messages/{messages['group'].pk}/",
        "callbacks": f"/messages/{messages['group'].pk}/callbacks/",
    }
    take("error", addresses)
    take("error pt-BR", addresses, locale="pt-BR")
    codes = ("400", "403", "403_csrf", "409", "429", "500", "503")
    take("error", {code: f"/error/{code}" for code in codes})


def test_screenshots_of_pages_before_sign_in(take):
    addresses = {"sign in": "/account/login/", "password": "/account/password/reset/"}
    take("outside", addresses, None)
