"""Fixtures for tests that open pages of a real server in Chromium."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response
from pytest_django.live_server_helper import LiveServer

from messages.models import Message
from tests.plugins.pages import Report

LONG_ID = "3EB0" + "F" * 120
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run browser tests last.

    Playwright leaves an event loop running, which can break other tests.
    """
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture(scope="session", autouse=True)
def _database_beside_an_event_loop() -> Iterator[None]:
    """Allow database access.

    Playwright's event loop runs in this thread, so Django would assume async code.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    path = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if path is None:
        reason = f"No Chromium here: none of {', '.join(CHROMIUMS)} is installed."
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    # Chromium's sandbox does not work as root, and containers often run as root.
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    return browser_type_launch_args | {"executable_path": path, "args": sandbox}


@pytest.fixture
def board(browser: Browser, page_server: LiveServer, transactional_db: None) -> str:
    """The base URL of the live server.

    Depends on the browser first, so that no server starts if it is missing.
    """
    return page_server.url


@pytest.fixture
def open_page(board: str, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a page, signed in as `user` if given. Its console must stay clean."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_one(user: User | None = None, **options: Any) -> Page:
        size = {"width": options.pop("width", 1280), "height": 900}
        options = {"base_url": board, "locale": "en-GB", "viewport": size, **options}
        context = browser.new_context(**options)
        context.set_default_timeout(15_000)
        _listen(context, complaints)
        contexts.append(context)
        if user:
            client = Client()
            client.force_login(user)
            session = client.cookies["sessionid"].value
            context.add_cookies([{"name": "sessionid", "value": session, "url": board}])
        return context.new_page()

    yield open_one
    for context in contexts:
        context.close()
    assert not complaints


def _listen(context: BrowserContext, complaints: list[str]) -> None:
    """Record script errors, Content-Security-Policy violations and missing files."""

    def on_console(message: ConsoleMessage) -> None:
        # Chromium logs every error page as a "failed resource". Missing files are found in
        # on_response.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            complaints.append(message.text)

    def on_response(response: Response) -> None:
        if response.status >= 400 and response.request.resource_type != "document":
            complaints.append(f"{response.status} {response.url}")

    context.on("console", on_console)
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.on("response", on_response)


@pytest.fixture
def messages(report: Report, deliver: Report) -> dict[str, Message]:
    """One message of each kind, by name of the kind."""
    group = {"phone": "120363019502650977-group", "isGroup": True}
    report("RECEIVED", "READ", id="GROUP", participant="5511987654321", **group)
    found = {"group": report("RECEIVED", id="GROUP", participant="123456789012345", **group)}
    found["played"] = report("SENT", "RECEIVED", "READ", "READ_BY_ME", "PLAYED", id="PLAYED")
    report("READ", id="PLAYED")
    found["failed"] = deliver(LONG_ID, error="A reason that goes on and on " * 10)
    report("RECEIVED", id="BOTH")
    found["contradicted"] = deliver("BOTH", error="expired")
    found["lid"] = report("READ", id="LID", phone="123456789012345@lid", momment="yesterday")
    found["unknown"] = report("TELEPORTED", id="UNKNOWN")
    found["inbound"] = report("READ_BY_ME", id="INBOUND")
    return found
