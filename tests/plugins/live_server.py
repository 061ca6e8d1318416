"""A live server that runs in a thread."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings
from pytest_django.live_server_helper import LiveServer

# The live server uses HTTP, so settings must not require HTTPS.
PLAIN_HTTP = {
    "SECURE_SSL_REDIRECT": False,
    "SESSION_COOKIE_SECURE": False,
    "CSRF_COOKIE_SECURE": False,
    "LANGUAGE_COOKIE_SECURE": False,
    # The __Host- prefix of cookies works only with HTTPS.
    "SESSION_COOKIE_NAME": "sessionid",
    "CSRF_COOKIE_NAME": "csrftoken",
}


@pytest.fixture(scope="module")
def page_server(django_db_setup: None, django_db_blocker: Any) -> Iterator[LiveServer]:
    with override_settings(**PLAIN_HTTP), django_db_blocker.unblock():
        server = LiveServer("localhost")
        yield server
        server.stop()
