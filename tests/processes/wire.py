"""Send raw bytes to the server, for requests that no HTTP client sends."""

import socket
from collections.abc import Iterable


def exchange(port: int, *parts: bytes, patience: float = 60) -> bytes:
    """Send bytes and read the whole response; b'' if the server closes without a response."""
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as wire:
        try:
            for part in parts:
                wire.sendall(part)
        except OSError:
            pass  # The server stopped reading, but its response may still be readable.
        return b"".join(_received(wire))


def _received(wire: socket.socket) -> Iterable[bytes]:
    try:
        while chunk := wire.recv(65536):
            yield chunk
    except OSError:
        return


def status_of(answer: bytes) -> int:
    """The status of a response, or 0 without a response."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def request(path: str, body: bytes = b"", *headers: str, method: str = "POST") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *headers]
    if not any(header.lower().startswith(("content-length", "transfer-")) for header in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + body
