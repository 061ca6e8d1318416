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
    # Reads the settings, which may be wrong.
    from statusboard.environment import prepare

    prepare()
    django.setup(set_prefix=False)
except ImproperlyConfigured as error:
    # Without settings only granian's own log works.
    logging.getLogger("_granian").critical("%s", error)
    sys.exit(1)

# These need Django to be set up.
from django.urls import reverse
from django.utils.module_loading import import_string

from statusboard.early_responses import (
    MAX_PATH_LENGTH,
    TOO_LONG,
    WSGIApplication,
    answer,
    drop_strange_content_type,
)
from statusboard.page_limiter import PageConcurrencyLimiter, server_threads
from statusboard.parent_process import end_with
from statusboard.postgresql.base import limit_statements
from statusboard.webhook_handlers import CallbackHandler, MinimalHandler, TimedCallbackHandler

limit_statements()
# If granian's main process ends, end this process too. A single-process server may outlive the
# shell that started it.
if server := multiprocessing.parent_process():
    end_with(server.pid or 0)

_MONITORING: Final = {"/healthz", "/readyz", "/metrics"}
_handler_class = TimedCallbackHandler if settings.METRICS_ON else CallbackHandler
_handler: WSGIApplication = _handler_class("messages.webhooks.urls")
# Without middleware: answers for any host name, and while the database is unavailable.
_monitoring: WSGIApplication = MinimalHandler("messages.monitoring.urls")
pages = PageConcurrencyLimiter(WSGIHandler(), server_threads())


def _handle_callback(
    environ: dict[str, Any], start_response: Callable[..., Any]
) -> Iterable[bytes]:
    if environ["REQUEST_METHOD"] == "POST":
        pages.lock.note_callback()
    return _handler(environ, start_response)


# Pages make room for callbacks, but not for requests with wrong keys, which are rejected before.
_callbacks: WSGIApplication = import_string("messages.webhooks.throttling.limit_wrong_keys")(
    _handle_callback
)


def _freeze_loaded_modules() -> None:
    """Exclude loaded modules from garbage collection, because they are never unloaded.

    A full collection then takes 7 ms instead of 35 ms.
    """
    gc.collect()
    gc.freeze()


@cache
def load_pages() -> None:
    """Load the pages before the first request for one. Only the first call does something.

    A process that serves only the webhook endpoint does not need them.
    """
    reverse("dashboard:messages")
    _freeze_loaded_modules()


_freeze_loaded_modules()

# Seconds, instead of 0.005. While a page is rendered, a callback waits for the GIL several times,
# and each time it waits this long. With 16 people who open pages nonstop, the median response time
# of callbacks fell from 16 to 11 ms.
sys.setswitchinterval(0.0005)


def webhook_application(
    environ: dict[str, Any], start_response: Callable[..., Any]
) -> Iterable[bytes]:
    drop_strange_content_type(environ)
    path = environ.get("PATH_INFO", "")
    if len(path) > MAX_PATH_LENGTH:
        return answer(TOO_LONG, environ, start_response)
    if path in _MONITORING:
        return _monitoring(environ, start_response)
    return _callbacks(environ, start_response)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    path = environ.get("PATH_INFO", "")
    if path.startswith("/webhooks/") or path in _MONITORING:
        return webhook_application(environ, start_response)
    drop_strange_content_type(environ)
    if len(path) > MAX_PATH_LENGTH:
        return answer(TOO_LONG, environ, start_response)
    load_pages()
    return pages(environ, start_response)
