"""Find all pages by following links, so that tests and screenshots include new pages."""

import html
import re
from collections.abc import Iterable
from urllib.parse import urljoin, urlsplit

from django.contrib.auth.models import User
from django.test import Client
from django.urls import Resolver404, resolve

LINK = re.compile(r'<a [^>]*?href="([^"#]+)')
# Pages of Django admin and Swagger UI are not ours, and files are not pages.
NOT_OURS = re.compile(r"/(admin|api|static)/")


def pages(user: User, *starts: str) -> dict[str, str]:
    """Follow links from `starts` as `user`; return one URL for each URL name."""
    client = Client()
    client.force_login(user)
    found: dict[str, str] = {}
    waiting = list(starts or ["/"])
    for address in waiting:  # the list grows during the loop
        name = _name(address)
        if not name or name in found:
            continue
        answer = client.get(address)
        if answer.status_code != 200 or not answer["Content-Type"].startswith("text/html"):
            continue
        found[name] = address
        waiting += _links(address, answer.content.decode())
    return found


def _name(address: str) -> str:
    if NOT_OURS.match(address):
        return ""
    try:
        return resolve(urlsplit(address).path).view_name
    except Resolver404:
        return ""


def _links(address: str, page: str) -> Iterable[str]:
    for link in LINK.findall(page):
        target = urljoin(address, html.unescape(link))
        if not urlsplit(target).netloc:
            yield target
