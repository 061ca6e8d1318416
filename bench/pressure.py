"""Clients that put a server under load: `python -m bench.pressure KIND PORT SECONDS SESSION`.

They run in a separate process, so they do not slow down the measurement. They have the lowest
priority, because real clients use no CPU of the server.
"""

import http.client
import os
import random
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final
from urllib.parse import urlencode

# Django only compares the token in the cookie with the one in the form.
CSRF: Final = "c" * 32
FORM: Final = "application/x-www-form-urlencoded"
# Large, and served to anybody.
STATIC: Final = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js.map"
FAILED: Final = 3
EXPORT: Final = "/messages/exports/?period=all"


class Client:
    """One client: sends the next request after each response, until the time is over."""

    def __init__(self, port: int, until: float, session: str) -> None:
        self.port, self.until = port, until
        cookies = f"csrftoken={CSRF}; sessionid={session}" if session else f"csrftoken={CSRF}"
        self.headers = {"Cookie": cookies, "Host": "127.0.0.1"}

    def repeat(self, method: str, path: str, form: dict[str, str] | None = None) -> None:
        while time.monotonic() < self.until:
            self.send(method, path, form)

    def send(
        self, method: str, path: str, form: dict[str, str] | None = None, **more: str
    ) -> bytes:
        """Send a request and read the whole response; wait briefly after a 503."""
        timeout = max(0.1, self.until - time.monotonic())
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        body = urlencode({"csrfmiddlewaretoken": CSRF} | form) if form is not None else None
        headers = self.headers | ({"Content-Type": FORM} if body else {}) | more
        with suppress(OSError, http.client.HTTPException):
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            read = answer.read()
            if answer.status == 500:
                os._exit(FAILED)  # a server error makes the measurement useless
            if answer.status == 503:
                time.sleep(0.2)
            return read
        connection.close()
        return b""

    def dribble(self, beginning: bytes) -> None:
        """Send a byte every half second until the time is over."""
        with self._connected(beginning) as wire, suppress(OSError):
            while time.monotonic() < self.until:
                wire.sendall(b"x")
                time.sleep(0.5)

    def sip(self, request: bytes) -> None:
        """Reads a byte every half second."""
        while time.monotonic() < self.until:
            with suppress(OSError), self._connected(request) as wire:
                while time.monotonic() < self.until and wire.recv(1):
                    time.sleep(0.5)

    def _connected(self, beginning: bytes) -> socket.socket:
        wire = socket.socket()
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.settimeout(max(0.1, self.until - time.monotonic()))
        wire.connect(("127.0.0.1", self.port))
        wire.sendall(beginning)
        return wire

    def raw(self, method: str, path: str, body: str = "", length: int = 0) -> bytes:
        headers = self.headers | {"Content-Type": FORM, "Content-Length": str(length or len(body))}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {headers[name]}" for name in headers)]
        return "\r\n".join([*lines, "", body]).encode()


def exports(client: Client, _number: int) -> None:
    client.repeat("POST", EXPORT, {"format": "csv"})


def slow_readers(client: Client, number: int) -> None:
    body = urlencode({"csrfmiddlewaretoken": CSRF, "format": "csv"})
    is_export = number % 2 == 0
    client.sip(client.raw("POST", EXPORT, body) if is_export else client.raw("GET", STATIC))


def look_ups(client: Client, number: int) -> None:
    while time.monotonic() < client.until:
        client.send("POST", "/look-up/", {"q": f"5544{random.randrange(10**9):09d}"})


def resets(client: Client, number: int) -> None:
    client.repeat("POST", "/account/password/reset/", {"email": f"person{number}@example.com"})


def sign_ins(client: Client, number: int) -> None:
    form = {"password": "wrong-password-1"}
    while time.monotonic() < client.until:
        address = ".".join(str(random.randrange(1, 255)) for _ in range(4))
        form["login"] = f"somebody{random.randrange(10**9)}"
        client.send("POST", "/account/login/", form, **{"X-Forwarded-For": address})


def slow_bodies(client: Client, _number: int) -> None:
    client.dribble(client.raw("POST", "/account/login/", length=5000))


def pages(client: Client, number: int) -> None:
    client.repeat("GET", ("/", "/overview/", "/instances/", "/?period=all")[number % 4])


# The number of clients of each kind, and the function that each runs.
KINDS: Final[dict[str, tuple[int, Callable[[Client, int], None]]]] = {
    "exports": (18, exports),
    "slow_readers": (20, slow_readers),
    "look_ups": (32, look_ups),
    "resets": (16, resets),
    "sign_ins": (16, sign_ins),
    "slow_bodies": (40, slow_bodies),
    "pages": (16, pages),
}


def main() -> None:
    os.nice(19)
    kind, port, seconds, session = sys.argv[1:]
    until = time.monotonic() + float(seconds)
    count, run = KINDS[kind]
    for number in range(count):
        client = Client(int(port), until, session)
        threading.Thread(target=run, args=(client, number), daemon=True).start()
    time.sleep(float(seconds))


if __name__ == "__main__":
    main()
