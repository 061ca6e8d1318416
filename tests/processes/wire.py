"""Bytes on a socket, for what no HTTP client would send."""

import socket
from collections.abc import Iterable


def exchange(port: int, *parts: bytes, patience: float = 60) -> bytes:
    """Send, and read to the end; b'' where the server closed without a word."""
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as wire:
        try:
            for part in parts:
                wire.sendall(part)
        except OSError:
            pass  # The server has heard enough, and its answer may still be there to read.
        return b"".join(_received(wire))


def _received(wire: socket.socket) -> Iterable[bytes]:
    try:
        while chunk := wire.recv(65536):
            yield chunk
    except OSError:
        return


def status_of(answer: bytes) -> int:
    """0 where there is no answer."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def request(path: str, body: bytes = b"", *headers: str, method: str = "POST") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *headers]
    if not any(header.lower().startswith(("content-length", "transfer-")) for header in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + body
