"""`make screenshots`: every page and state, wide and narrow, light and dark, in screenshots/.

No test: it asserts nothing, it is for looking. Pytest runs it for the browser and the server that
the tests have.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page

from .crawl import pages

pytestmark = pytest.mark.browser

FOLDER = Path(__file__).resolve().parents[2] / "screenshots"
LOOKS = [(width, scheme) for width in (1280, 375) for scheme in ("light", "dark")]
Take = Callable[[str, dict[str, str]], None]


@pytest.fixture(scope="module", autouse=True)
def _fresh_folder() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()


@pytest.fixture
def take(open_page: Callable[..., Page], admin_user: User) -> Take:
    """Pictures of some addresses, in a folder a look: state.page.png."""

    def take_all(state: str, addresses: dict[str, str], user: User | None = admin_user) -> None:
        for width, scheme in LOOKS:
            folder = FOLDER / f"{width}-{scheme}"
            folder.mkdir(exist_ok=True)
            page = open_page(user, width=width, color_scheme=scheme)
            for name, address in addresses.items():
                page.goto(address)
                page.screenshot(
                    path=folder / f"{state}.{name.replace(':', '.')}.png", full_page=True
                )

    return take_all


def test_empty(take, admin_user):
    take("empty", pages(admin_user))


def test_few(take, admin_user, messages, instance):
    take("few", pages(admin_user))


def test_many(take, admin_user, instance, report):
    for number in range(60):
        steps = ["SENT", "RECEIVED", "READ", "PLAYED"][: number % 4 + 1]
        phone = f"55449{90000000 + number * 1017}"
        report(*steps, id=f"3EB0{number:016X}", minutes_ago=60 + number, phone=phone)
    take("many", {"messages": "/", "overview": "/overview/?period=24h"})


def test_errors(take, messages):
    addresses = {"404": "/nowhere/", "nothing found": "/?q=5511912345678", "part": "/?q=9999"}
    take("error", addresses)


def test_before_sign_in(take):
    addresses = {"sign in": "/account/login/", "password": "/account/password/reset/"}
    take("outside", addresses, None)
