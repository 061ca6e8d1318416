"""An HTTP server that receives forwarded callbacks and returns configured responses."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from typing import Any

import pytest

from tests.waiting import wait_until


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int
    at: float = field(default_factory=time.monotonic)

    @property
    def delivery(self) -> str:
        return self.headers["x-statusboard-delivery"]


@dataclass
class Reply:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay: float = 0.0


class Receiver(ThreadingHTTPServer):
    """Return `replies` one by one, then always `reply`."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, context: SSLContext | None = None) -> None:
        self.received: list[Received] = []
        self.replies: list[Reply] = []
        self.reply = Reply()
        self.talk: Callable[[_Handler], None] | None = None
        self._scheme = "https" if context else "http"
        super().__init__(("127.0.0.1", 0), _Handler)
        if context:
            self.socket = context.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}/hook"

    @property
    def bodies(self) -> list[bytes]:
        return [received.body for received in self.received]

    def wait_for(self, number: int) -> None:
        wait_until(
            lambda: len(self.received) >= number,
            f"fewer than {number} came",
            progress=lambda: len(self.received),
        )

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore closed connections, which are normal in tests."""


class _Handler(BaseHTTPRequestHandler):
    server: Receiver
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        server = self.server
        server.received.append(Received(self.path, headers, body, self.client_address[1]))
        if server.talk:
            server.talk(self)
            return
        reply = server.replies.pop(0) if server.replies else server.reply
        time.sleep(reply.delay)
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        """Do not log requests."""


@contextmanager
def receiving(context: SSLContext | None = None) -> Iterator[Receiver]:
    server = Receiver(context)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as server:
        yield server


@pytest.fixture
def local_receivers(settings: Any) -> None:
    """Allow callbacks and notifications to go to localhost."""
    settings.FORWARD_ALLOW_PRIVATE = True
