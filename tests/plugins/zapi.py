"""A simulated Z-API on a real port, which Statusboard is configured to use."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ssl import SSLContext
from typing import Any

import pytest

from messages.simulator.gateway import Gateway
from messages.simulator.server import Server

FOREIGN_URL = "https://crm.example.com/hooks/zapi"


@contextmanager
def serving(gateway: Gateway, context: SSLContext | None = None) -> Iterator[Server]:
    server = Server(gateway, ("127.0.0.1", 0), context)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def zapi(settings: Any) -> Iterator[Gateway]:
    """The simulated Z-API. `zapi.answer_name` selects its responses."""
    gateway = Gateway()
    with serving(gateway) as server:
        settings.ZAPI_BASE_URL = server.url
        yield gateway
