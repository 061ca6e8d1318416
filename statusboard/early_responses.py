"""Answers that are given before Django is asked: too busy, or a body that is too large.

They are the same bytes each time and need no database, no session and no template.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any, Final

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
WSGIApplication = Callable[[Environ, StartResponse], Iterable[bytes]]

BUSY: Final = "503 Service Unavailable"
TOO_LARGE: Final = "413 Content Too Large"
LENGTH_REQUIRED: Final = "411 Length Required"
TOO_LONG: Final = "414 URI Too Long"
# In characters, without the query. Django takes the square of it where it is not UTF-8.
MAX_PATH_LENGTH: Final = 2048
RETRY_AFTER: Final = 2  # seconds

# In both languages: which one somebody reads is known to Django, which is not asked.
_WORDS: Final = {
    BUSY: (
        "Statusboard is busy",
        "Too many pages were opened at once. Try again in a few seconds.",
        "O Statusboard está ocupado",
        "Muitas páginas foram abertas ao mesmo tempo. Tente novamente em alguns segundos.",
    ),
    TOO_LARGE: (
        "Too large",
        "What you sent is too large, and nothing of it was saved. Send a smaller file.",
        "Grande demais",
        "O que você enviou é grande demais, e nada foi salvo. Envie um arquivo menor.",
    ),
    LENGTH_REQUIRED: (
        "Length required",
        "The request must say how long its body is (Content-Length).",
        "Tamanho obrigatório",
        "A requisição deve informar o tamanho do conteúdo (Content-Length).",
    ),
    TOO_LONG: (
        "Address too long",
        "There is no page with so long an address.",
        "Endereço longo demais",
        "Não existe página com um endereço tão longo.",
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


def answer(status: str, environ: Environ, start_response: StartResponse) -> list[bytes]:
    """A page in two languages; for the API a problem as RFC 9457 describes it."""
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
    """Whether trying again is safe, and shows a page: no form is sent twice."""
    is_page = "text/html" in environ.get("HTTP_ACCEPT", "")
    return environ["REQUEST_METHOD"] == "GET" and is_page and "HTTP_HX_REQUEST" not in environ


def _problem(status: str) -> bytes:
    code, _, title = status.partition(" ")
    members = {"type": "about:blank", "title": title, "status": int(code)}
    return json.dumps(members | {"detail": _WORDS[status][1]}).encode()


_PAGES: Final = {status: _PAGE.format(*words).encode() for status, words in _WORDS.items()}
_PROBLEMS: Final = {status: _problem(status) for status in _WORDS}
