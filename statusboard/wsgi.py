"""Two WSGI applications: the whole site, and the webhook endpoint alone.

`application` serves both, each with its own middleware, so that callbacks do not pay for sessions
and sign-in. `webhook_application` serves only the webhook endpoint and the monitoring URLs. It can
be deployed separately.
"""

import gc
import logging
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Final

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.wsgi import WSGIHandler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "statusboard.settings")
try:
    django.setup(set_prefix=False)
except ImproperlyConfigured as error:
    # Without settings there is no log but granian's own.
    logging.getLogger("_granian").critical("%s", error)
    sys.exit(1)

# What needs Django to be set up.
from django.urls import reverse

from messages.webhooks.throttling import reject_early, rejection_delay
from statusboard.charset import drop_strange_content_type
from statusboard.early_responses import MAX_PATH_LENGTH, TOO_LONG, WSGIApplication, answer
from statusboard.page_limiter import PageConcurrencyLimiter, server_threads
from statusboard.parent_process import end_with
from statusboard.postgresql.base import limit_statements
from statusboard.webhook_handlers import CallbackHandler, MinimalHandler, TimedCallbackHandler

limit_statements()
# As granian's processes are. A server that is one process may outlive the shell that started it.
if server := multiprocessing.parent_process():
    end_with(server.pid or 0)

_WATCHED: Final = {"/healthz", "/readyz", "/metrics"}
_handler_of_callbacks = TimedCallbackHandler if settings.METRICS_ON else CallbackHandler
_callbacks: WSGIApplication = _handler_of_callbacks("messages.webhooks.urls")
# Without middleware: it answers whatever the host name, and while the database is away.
_watched: WSGIApplication = MinimalHandler("messages.monitoring.urls")
_pages = PageConcurrencyLimiter(WSGIHandler(), server_threads())


def _keep() -> None:
    # All that is loaded stays. A full collection that looked through it again would stop callbacks
    # and pages for four times as long: 35 ms instead of 7.
    gc.collect()
    gc.freeze()


@cache
def load_pages() -> None:
    """Once, before the first page: where only the webhook is served, nobody needs them."""
    reverse("dashboard:messages")
    _keep()


_keep()

# In seconds, instead of 0.005. A callback waits for the interpreter several times, each time for so
# long while a page is being made. Beside 16 people who open pages without a pause its median was
# 11 ms instead of 16.
sys.setswitchinterval(0.0005)


def webhook_application(
    environ: dict[str, Any], start_response: Callable[..., Any]
) -> Iterable[bytes]:
    drop_strange_content_type(environ)
    path = environ.get("PATH_INFO", "")
    if len(path) > MAX_PATH_LENGTH:
        return answer(TOO_LONG, environ, start_response)
    if path in _WATCHED:
        return _watched(environ, start_response)
    with rejection_delay:
        refusal = reject_early(environ, start_response)
        if refusal is not None:
            return refusal
        # Pages make room for callbacks: not for who goes on with wrong keys, nor for who only asks.
        if environ["REQUEST_METHOD"] == "POST":
            _pages.turns.note_callback()
        return _callbacks(environ, start_response)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    drop_strange_content_type(environ)
    path = environ.get("PATH_INFO", "")
    if len(path) > MAX_PATH_LENGTH:
        return answer(TOO_LONG, environ, start_response)
    if path.startswith("/webhooks/") or path in _WATCHED:
        return webhook_application(environ, start_response)
    load_pages()
    return _pages(environ, start_response)
