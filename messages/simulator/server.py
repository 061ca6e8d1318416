"""An HTTP server for the simulated gateway."""

import ssl
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .gateway import Call, Gateway


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(
        self, gateway: Gateway, address: tuple[str, int], context: ssl.SSLContext | None = None
    ) -> None:
        self.gateway = gateway
        self._scheme = "https" if context else "http"
        super().__init__(address, _Handler)
        if context:
            # The handshake happens in the thread of its connection, so a slow one blocks no other.
            self.socket = context.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )

    @property
    def url(self) -> str:
        return f"{self._scheme}://{self.server_address[0]!s}:{self.server_address[1]}"

    def handle_error(self, request: Any, client_ip: Any) -> None:
        """Log nothing about clients that hang up or do not trust the certificate, as tests do."""


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "Z-API-simulator"

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.gateway.answer(Call(self.command, self.path, headers, body))
        time.sleep(answer.delay)
        if answer.hangs_up:
            self.close_connection = True
            return
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        if answer.location:
            self.send_header("Location", answer.location)
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_PUT = do_POST = do_DELETE = _serve  # noqa: N815  (http.server's own names)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        """Log nothing, because the path contains the token."""
