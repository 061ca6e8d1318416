"""Request every URL and find content that a browser or a spreadsheet would execute."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from io import BytesIO, StringIO
from typing import Any
from zipfile import ZipFile

from django.db import transaction
from django.test import Client

from tests.accounts.routes import Route
from tests.attacks.tables import PK, ROW_ID


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def type(self) -> str:
        return self.headers.get("Content-Type", "")

    @property
    def is_refused(self) -> bool:
        leads_to_sign_in = "/account/login/" in self.headers.get("Location", "")
        return self.status in {401, 403, 404, 405} or leads_to_sign_in

    @property
    def is_html(self) -> bool:
        return self.type.startswith("text/html")


def ask(client: Client, route: Route, method: str = "get", **options: Any) -> Answer:
    """Request the route with the ids of the rows from `fill_every_table`."""
    return ask_path(client, route.path(PK, ROW_ID), method, **options)


def ask_path(client: Client, path: str, method: str = "get", **options: Any) -> Answer:
    """Send a request and roll back its changes, including a sign-out."""
    cookies = SimpleCookie(client.cookies)
    with transaction.atomic():
        answer: Any = getattr(client, method)(path, **options)
        body = b"".join(answer) if answer.streaming else answer.content
        transaction.set_rollback(True)
    client.cookies = cookies
    # /readyz may return 503.
    assert answer.status_code < 500 or path == "/readyz", (path, method)
    return Answer(answer.status_code, answer.headers, body)


# Data that scripts read: a browser never runs it.
_DATA = {"application/json"}
_LEADS_SOMEWHERE = {"href", "src", "action", "formaction", "data"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.harm: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        runs = tag == "script" and "src" not in values and values.get("type") not in _DATA
        if runs or tag in {"iframe", "object", "embed", "base"}:
            self.harm.append(tag)
        for name, value in values.items():
            if name.startswith("on") or name == "style":
                self.harm.append(f"{tag} {name}")
            if name in _LEADS_SOMEWHERE and value.strip().lower().startswith("javascript:"):
                self.harm.append(f"{tag} {name}={value}")
            if name == "src" and value == "x":
                self.harm.append(f"{tag} src=x")


def harm_in(html: str) -> list[str]:
    """Elements that would execute code or load content from another site."""
    reader = _Reader()
    reader.feed(html)
    return reader.harm


def formulas_in(content_type: str, body: bytes) -> list[str]:
    """Cells that a spreadsheet would calculate."""
    if "spreadsheet" in content_type:
        with ZipFile(BytesIO(body)) as book:
            sheets = [name for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
            return [name for name in sheets if b"<f>" in book.read(name)]
    if "csv" not in content_type:
        return []
    text = body.decode("utf-8-sig")
    dialect = csv.Sniffer().sniff(text.splitlines()[0], ",;\t") if text else csv.excel
    cells = [cell for row in csv.reader(StringIO(text), dialect) for cell in row]
    return [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r", "-cmd"))]
