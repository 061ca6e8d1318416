"""Two doors: the whole site, and the webhook alone, which can be deployed apart from it.

`application` serves both, each with its own middleware, so that a page's sessions and sign-in never
cost a callback anything. `webhook_door` serves the webhook and nothing else.
"""

import os
from collections.abc import Callable, Iterable
from typing import Any

import django
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "statusboard.settings")
django.setup(set_prefix=False)

WSGIApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class DoorHandler(WSGIHandler):
    """Django's handler without any middleware, and with only the webhook's routes."""

    def load_middleware(self, is_async: bool = False) -> None:
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        innermost: Any = self._get_response  # type: ignore[attr-defined]  # unknown to the stubs
        self._middleware_chain = convert_exception_to_response(innermost)

    def get_response(self, request: Any) -> Any:
        request.urlconf = "messages.webhooks.urls"
        return super().get_response(request)


webhook_door: WSGIApplication = DoorHandler()
_site: WSGIApplication = WSGIHandler()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    door = webhook_door if environ.get("PATH_INFO", "").startswith("/webhooks/") else _site
    return door(environ, start_response)
