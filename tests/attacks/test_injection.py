"""Hostile text in every stored field, and in every parameter, on every page and export."""

import pytest
from django.test import Client

from tests.accounts.routes import ROUTES
from tests.attacks.pages import ask, formulas_in, harm_in

MARKUP = '"><script>alert(1)</script><img src=x onerror=alert(1)>\'{{ 6|add:8 }}{% now "Y" %}'
FORMULA = "=cmd|' /C calc'!A1"
HEADER = "a\r\nSet-Cookie: a=b\r\n\r\n<script>alert(1)</script>"
DIRECTION = "\u202efdp.exe\u2066"
# Headers of every page. The value may contain more.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
PARAMETERS = (
    "q",
    "next",
    "after",
    "before",
    "instance",
    "status",
    "view",
    "page",
    "sort",
    "period",
)


@pytest.mark.parametrize("text", [MARKUP, MARKUP[2:], HEADER, DIRECTION, "javascript:alert(1)"])
def test_stored_markup_runs_on_no_page(admin_client, fill, text):
    fill(text)
    assert not harmed_pages(admin_client)


def test_markup_in_query_parameters_runs_on_no_page(admin_client, fill):
    fill("x")
    assert not harmed_pages(admin_client, dict.fromkeys(PARAMETERS, MARKUP))


def harmed_pages(client: Client, parameters: dict[str, str] | None = None) -> dict[str, list[str]]:
    harm = {}
    for route in ROUTES:
        answer = ask(client, route, data=parameters or {})
        # Django admin has a few styles of its own.
        if answer.is_html and not route.name.startswith("admin:"):
            harm[route.name] = harm_in(answer.body.decode())
    return {name: found for name, found in harm.items() if found}


def test_stored_markup_is_shown_escaped(admin_client, fill):
    """Without this, the tests above would also pass on empty pages."""
    fill(MARKUP)
    showing = [r.name for r in ROUTES if b"&lt;script&gt;alert(1)" in ask(admin_client, r).body]
    assert len([name for name in showing if name.startswith("dashboard:")]) >= 5


def test_stored_text_is_not_rendered_as_a_template(admin_client, fill):
    fill("{{ 6|add:8 }}{% now 'Y' %}")
    page = ask(admin_client, next(r for r in ROUTES if r.name == "dashboard:instance"))
    assert b"{{ 6|add:8 }}" in page.body


@pytest.mark.parametrize("method", ["get", "post"])
def test_export_contains_no_formula(admin_client, fill, method):
    fill(FORMULA)
    answers = {route.name: ask(admin_client, route, method) for route in ROUTES}
    found = {name: formulas_in(answer.type, answer.body) for name, answer in answers.items()}
    assert not {name: cells for name, cells in found.items() if cells}


def test_every_page_has_security_headers(admin_client, fill):
    fill("x")
    pages = {route.name: answer for route in ROUTES if (answer := ask(admin_client, route)).is_html}
    lacking = {
        (name, header)
        for name, page in pages.items()
        for header, value in HEADERS.items()
        if value not in page.headers.get(header, "") or "unsafe" in page.headers[header]
    }
    assert not lacking
