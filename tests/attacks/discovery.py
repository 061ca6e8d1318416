"""Find every form, link and parameter of the site by crawling it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Final
from unittest.mock import patch
from urllib.parse import parse_qsl, urljoin, urlsplit

from django.test import Client
from django.urls import Resolver404, resolve
from django.utils.datastructures import MultiValueDict

from tests.attacks.pages import ask_path
from tests.plugins.accounts import PASSWORD


@dataclass(frozen=True, slots=True)
class File:
    name: str | bytes
    content: bytes
    type: str = "text/csv"


Value = str | bytes | File
# Typical values for empty fields, by input type.
_TYPICAL: Final = {
    "email": "somebody@example.com",
    "url": "https://example.com/",
    "password": PASSWORD,
    "date": "2026-11-20",
    "datetime-local": "2026-11-20T10:00",
}
# Values for fields whose view accepts only certain values, by name.
_FITTING: Final = {
    "address": "https://example.com/hook",
    "forward_to": "https://example.com/hook",
    "number": "5544999887701",
    "person": "5544999887701",
    "phone": "5544999887701",
    "reason": "Asked for by the customer",
    "token": "A1" * 16,
    "zapi_id": "3C0D1E2F",
}
_FILES: Final = {
    "/instances/import/": b"name,id,token\r\nOne,3C0D1E2F," + b"A1" * 16 + b"\r\n",
    "/labels/": b"zapi_instance_id,message_id,label\r\ninstance.id,3EB0A1,Order 7\r\n",
}
FORM: Final = "application/x-www-form-urlencoded"
Pairs = tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True)
class Target:
    """A request that a page offers. `parameters` are the names that its view reads.

    `button` is the value of the submit button.
    """

    method: str
    path: str
    query: Pairs = ()
    fields: Pairs = ()
    encoding: str = FORM
    parameters: tuple[str, ...] = ()
    button: str = ""

    @property
    def kind(self) -> tuple[str, str, str, frozenset[str]]:
        """Links that differ only in values have the same kind."""
        names = frozenset(name for name, _ in (*self.query, *self.fields))
        return self.method, resolve(self.path).route, self.button, names


def discover(visits: list[tuple[Client, list[str]]]) -> list[Target]:
    """Collect the requests that these pages, and the pages they link to, offer to each client."""
    found: dict[Any, Target] = {}
    for client, addresses in visits:
        start = _offers_at(client, [Target("GET", path) for path in addresses])
        new = {offer.kind: offer for offer in start if offer.kind not in found}
        found |= new
        links = [offer for offer in new.values() if offer.method == "GET"]
        walked = set(addresses)
        further = [link for link in links if link.query or link.path not in walked]
        found = {offer.kind: offer for offer in _offers_at(client, further)} | found
    return [found[kind] for kind in sorted(found, key=repr)]


def _offers_at(client: Client, pages: list[Target]) -> list[Target]:
    return [offer for page in pages for offer in _offers_of(client, page)]


def _offers_of(client: Client, page: Target) -> list[Target]:
    """The requests that a page offers: a GET and a POST of itself, its links and its forms."""
    asked: set[str] = set()
    with _noting(asked):
        posted = ask_path(client, page.path, "post")
        answer = ask_path(client, page.path, "get", data=dict(page.query))
    if posted.status == answer.status == 404:
        return []
    names = tuple(sorted(asked))
    statuses = {"GET": answer.status, "POST": posted.status}
    own = [
        Target(method, page.path, page.query, parameters=names)
        for method, status in statuses.items()
        if status != 405
    ]
    if not answer.is_html:
        return own
    reader = _Reader(page.path, names)
    reader.feed(answer.body.decode())
    return own + [offer for offer in reader.offers if _is_ours(offer.path)]


def _is_ours(path: str) -> bool:
    try:
        return bool(resolve(path))
    except Resolver404:
        return False


@contextmanager
def _noting(asked: set[str]) -> Iterator[None]:
    """Note every name that is looked up in a query or a form."""

    def noting(look_up: Any) -> Any:
        def wrapped(data: Any, key: Any, *rest: Any) -> Any:
            asked.add(str(key))
            return look_up(data, key, *rest)

        return wrapped

    names = ("get", "getlist", "__getitem__")
    with patch.multiple(
        MultiValueDict, **{name: noting(getattr(MultiValueDict, name)) for name in names}
    ):
        yield


@dataclass
class _Form:
    method: str
    action: str
    encoding: str
    fields: list[tuple[str, Value]] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)

    def submitted(self) -> list[tuple[str, Pairs]]:
        """Pairs of each button's value and the data that it submits."""
        sent = [(button[1], (*self.fields, button)) for button in self.buttons]
        return sent or [("", tuple(self.fields))]


class _Reader(HTMLParser):
    """The links and forms of a page, with the values that a browser would send."""

    def __init__(self, path: str, parameters: tuple[str, ...]) -> None:
        super().__init__()
        self.offers: list[Target] = []
        self._path, self._parameters = path, parameters
        self._form: _Form | None = None
        self._select = self._textarea = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        for name in ("href", "hx-get", "hx-post"):
            if name in values:
                self._offer("POST" if name == "hx-post" else "GET", values[name])
        if tag == "form":
            encoding = values.get("enctype", FORM)
            self._form = _Form(
                values.get("method", "get").upper(), values.get("action", ""), encoding
            )
        elif self._form and tag in {"input", "button"} and values.get("name"):
            kind = values.get("type") or ("submit" if tag == "button" else "text")
            self._add_input(values["name"], kind, values)
        elif tag == "select":
            self._select = values.get("name", "")
        elif tag == "option" and self._select and values.get("value"):
            self._add(self._select, values["value"])
            self._select = ""  # the first option with a value
        elif tag == "textarea" and values.get("name"):
            self._add(values["name"], "some words")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form" and self._form:
            self._offer(self._form.method, self._form.action, self._form)
            self._form = None

    def _add_input(self, name: str, kind: str, values: dict[str, str]) -> None:
        assert self._form
        if kind == "submit":
            self._form.buttons.append((name, values.get("value", "")))
        elif kind != "radio" or name not in dict(self._form.fields):
            self._add(name, self._value_of(values))

    def _value_of(self, values: dict[str, str]) -> Value:
        if values.get("type") == "file":
            return File("some.csv", _FILES.get(self._path, b"a,b\r\n1,2\r\n"))
        fitting = _FITTING.get(values["name"]) or _TYPICAL.get(values.get("type", ""), "1")
        return values.get("value") or fitting

    def _add(self, name: str, value: Value) -> None:
        if self._form and name != "csrfmiddlewaretoken":
            self._form.fields.append((name, value))

    def _offer(self, method: str, address: str, form: _Form | None = None) -> None:
        try:
            parts = urlsplit(urljoin(f"https://testserver{self._path}", address))
        except ValueError:
            return
        if parts.hostname != "testserver":
            return
        query: Pairs = tuple(parse_qsl(parts.query, keep_blank_values=True))
        encoding = form.encoding if form else FORM
        for button, fields in form.submitted() if form else [("", ())]:
            everything = (query + fields, ()) if method == "GET" else (query, fields)
            self.offers.append(
                Target(method, parts.path, *everything, encoding, self._parameters, button)
            )
