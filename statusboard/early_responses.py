"""Checks and answers before Django handles a request, for every page.

The answers are constant bytes and need no database, session or template.
"""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any, Final

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
WSGIApplication = Callable[[Environ, StartResponse], Iterable[bytes]]

BUSY: Final = "503 Service Unavailable"
TOO_LARGE: Final = "413 Content Too Large"
LENGTH_REQUIRED: Final = "411 Length Required"
TOO_LONG: Final = "414 URI Too Long"
# In characters, without the query. Django's time is quadratic if the path is not UTF-8.
MAX_PATH_LENGTH: Final = 2048
RETRY_AFTER: Final = 2  # seconds

# Bytes in a request body. Django holds up to this much of a form in memory.
MAX_BODY: Final = 1024 * 1024
# A file of instances may have 2 MiB; the rest is for the form around it.
MAX_UPLOAD: Final = 2 * 1024 * 1024 + 64 * 1024
_UPLOADS: Final = re.compile(r"/(instances/import|labels)/")
# In characters. The Content-Type of a browser has at most 100, with the longest boundary allowed.
_MAX_CONTENT_TYPE_LENGTH: Final = 256

# In both languages, because only Django knows which one the viewer reads.
_TEXTS: Final = {
    BUSY: (
        "Statusboard is busy",
        "Too many pages were opened at once. Try again in a few seconds.",
        "O Statusboard está ocupado",
        "Muitas páginas foram abertas ao mesmo tempo. Tente novamente em alguns segundos.",
    ),
    TOO_LARGE: (
        "Too large",
        "The upload is too large. Nothing was saved. Send a smaller file.",
        "Grande demais",
        "O arquivo enviado é grande demais. Nada foi salvo. Envie um arquivo menor.",
    ),
    LENGTH_REQUIRED: (
        "Length required",
        "The request must declare the length of its body (Content-Length).",
        "Tamanho obrigatório",
        "A requisição deve informar o tamanho do conteúdo (Content-Length).",
    ),
    TOO_LONG: (
        "Address too long",
        "No page has an address this long.",
        "Endereço longo demais",
        "Nenhuma página tem um endereço tão longo.",
    ),
}
_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{0}</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
</head><body><main><h1>{0}</h1><p>{1}</p><section lang="pt-BR"><h2>{2}</h2><p>{3}</p></section>
</main></body></html>
"""
_SAFETY: Final = [
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
]


def refusal(environ: Environ) -> str | None:
    """Return the status that refuses the body, or None to accept it. The body is not read.

    Without Content-Length Django reads no body at all, so a chunked request would look like an
    empty form.
    """
    declared = environ.get("CONTENT_LENGTH", "").strip()
    if not declared:
        is_chunked = "HTTP_TRANSFER_ENCODING" in environ
        return LENGTH_REQUIRED if is_chunked else None
    # Count the digits first: Python refuses to convert a number with thousands of them.
    if not (declared.isascii() and declared.isdigit()) or len(declared) > 20:
        return TOO_LARGE
    limit = MAX_UPLOAD if _UPLOADS.fullmatch(environ.get("PATH_INFO", "")) else MAX_BODY
    return TOO_LARGE if int(declared) > limit else None


def drop_strange_content_type(environ: Environ) -> None:
    """Replace a Content-Type that is long or has encoded parameters (RFC 2231).

    Browsers and Z-API do not send such headers. Django parses the header while it builds the
    request. An unknown encoding would raise an error that no handler catches. Parsing 64 kB of
    semicolons takes seconds.
    """
    given = environ.get("CONTENT_TYPE", "")
    if "*" in given or len(given) > _MAX_CONTENT_TYPE_LENGTH:
        environ["CONTENT_TYPE"] = "application/octet-stream"


def answer(status: str, environ: Environ, start_response: StartResponse) -> list[bytes]:
    """A page in two languages or, for the API, a problem (RFC 9457)."""
    is_api = environ.get("PATH_INFO", "").startswith("/api/")
    body = (_PROBLEMS if is_api else _PAGES)[status]
    kind = "application/problem+json" if is_api else "text/html; charset=utf-8"
    headers = [("Content-Type", kind), ("Content-Length", str(len(body))), *_SAFETY]
    if status == BUSY:
        headers.append(("Retry-After", str(RETRY_AFTER)))
        if not is_api and _is_opened_by_a_browser(environ):
            headers.append(("Refresh", str(RETRY_AFTER)))
    start_response(status, headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


def _is_opened_by_a_browser(environ: Environ) -> bool:
    """Whether the browser may reload the page without sending a form again."""
    is_page = "text/html" in environ.get("HTTP_ACCEPT", "")
    return environ["REQUEST_METHOD"] == "GET" and is_page and "HTTP_HX_REQUEST" not in environ


def _problem(status: str) -> bytes:
    code, _, title = status.partition(" ")
    members = {"type": "about:blank", "title": title, "status": int(code)}
    return json.dumps(members | {"detail": _TEXTS[status][1]}).encode()


_PAGES: Final = {status: _PAGE.format(*texts).encode() for status, texts in _TEXTS.items()}
_PROBLEMS: Final = {status: _problem(status) for status in _TEXTS}
