"""An HTTP client that connects only to IPs that url_guard.py has checked.

It does not use `requests`. http.client connects to exactly the given IP, uses no proxy and follows
no redirects. A redirect is returned like any other answer.
"""

import http.client
import io
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import cache
from types import TracebackType
from typing import Any, Self

import certifi

from statusboard import page_network

from .url_guard import ParsedUrl, Resolver, UnsafeUrlError, parse_url, resolve

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 10.0
# The two timeouts above are per step. This one also stops a receiver that sends byte by byte.
WHOLE_TIMEOUT = 15.0
# A short answer is read, so that the connection can be reused. The rest of a longer one is not.
MAX_ANSWER = 64 * 1024


class Failure(StrEnum):
    """Why there was no answer."""

    UNSAFE = "unsafe"
    UNREACHABLE = "unreachable"
    NOT_TRUSTED = "not trusted"
    TOO_SLOW = "too slow"
    IMPOSSIBLE = "impossible"


class PostFailedError(Exception):
    """There was no answer. The text contains nothing from the URL, the headers or the body."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.value)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Answer:
    """`retry_after`: the seconds to wait that the answer asks for, or None.

    `date`: the Date header, or ''. `body`: at most MAX_ANSWER bytes, b'' if reading failed.
    """

    status: int
    retry_after: float | None
    date: str = field(default="", compare=False)
    body: bytes = field(default=b"", compare=False, repr=False)


class SafeHttpClient:
    """Posts to one URL and keeps its connection open. Use each client in one thread only."""

    def __init__(
        self,
        url: str,
        *,
        allow_private: bool = False,
        ca_file: str = "",
        resolver: Resolver = socket.getaddrinfo,
        whole_timeout: float = WHOLE_TIMEOUT,
    ) -> None:
        self._url = url
        self._allow_private = allow_private
        self._ca_file = ca_file or certifi.where()
        self._resolver = resolver
        self._whole_timeout = whole_timeout
        self._connection: _Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._hang_up()

    def post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Raises PostFailedError if there was no answer in time or the URL is not allowed."""
        try:
            return page_network.call(lambda: self._post_in_time(body, headers))
        except TimeoutError:
            raise PostFailedError(Failure.TOO_SLOW) from None

    def _post_in_time(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        deadline = _Deadline(self._whole_timeout)
        # As bytes: http.client would refuse a text outside Latin-1.
        encoded = {name: value.encode() for name, value in headers.items()}
        with self._as_post_failed_error():
            if self._connection:
                # The receiver may have closed the connection meanwhile. Then connect again.
                with suppress(ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
                    return self._post(self._connection, deadline, body, encoded)
            return self._post(self._connect(), deadline, body, encoded)

    def _connect(self) -> "_Connection":
        self._hang_up()
        url = parse_url(self._url, allow_private=self._allow_private)
        ips = resolve(url, allow_private=self._allow_private, resolver=self._resolver)
        context = _context(self._ca_file) if url.is_https else None
        self._connection = _Connection(url, ips, context)
        return self._connection

    def _post(
        self,
        connection: "_Connection",
        deadline: "_Deadline",
        body: bytes,
        headers: Mapping[str, bytes],
    ) -> Answer:
        connection.deadline = deadline
        connection.request("POST", connection.target, body, headers)
        with connection.getresponse() as response:
            return Answer(
                response.status,
                _seconds(response.getheader("Retry-After")),
                response.getheader("Date") or "",
                self._read_body(response),
            )

    def _read_body(self, response: http.client.HTTPResponse) -> bytes:
        """Read the rest of the answer, so that the connection can be reused.

        Errors are ignored, because the status is known.
        """
        body = b""
        with suppress(OSError, ValueError, http.client.HTTPException):
            body = response.read(MAX_ANSWER)
            if response.isclosed():
                return body
        self._hang_up()
        return body

    def _hang_up(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

    @contextmanager
    def _as_post_failed_error(self) -> Iterator[None]:
        """Uses `from None`, because the errors of http.client can contain headers with tokens."""
        try:
            yield
        except UnsafeUrlError:
            self._hang_up()
            raise PostFailedError(Failure.UNSAFE) from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            self._hang_up()
            raise PostFailedError(_failure(error)) from None


class _Connection(http.client.HTTPConnection):
    """Connects to the checked IPs. The Host header, SNI and the certificate use the host name."""

    # The size of a TLS record, so that the deadline is checked before each record.
    _CHUNK = 16 * 1024

    def __init__(self, url: ParsedUrl, ips: list[str], tls: ssl.SSLContext | None) -> None:
        super().__init__(url.host, url.port)
        self.default_port = 443 if url.is_https else 80  # the Host header omits this port
        self.target = url.target
        self.deadline = _Deadline(WHOLE_TIMEOUT)
        self.response_class = self._response  # type: ignore[assignment]  # it is only called
        self._ips = ips
        self._tls = tls

    def connect(self) -> None:
        self.sock = self._reach()
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls:
            self.sock.settimeout(self.deadline.left(CONNECT_TIMEOUT))
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=self.host)

    def send(self, data: Any) -> None:
        """`data` must be bytes, which is all that http.client sends here."""
        if self.sock is None:
            self.connect()
        view = memoryview(data)
        for start in range(0, len(view), self._CHUNK):
            self.sock.settimeout(self.deadline.left(READ_TIMEOUT))
            self.sock.sendall(view[start : start + self._CHUNK])

    def _reach(self) -> socket.socket:
        problem: OSError = ConnectionRefusedError()
        for ip in self._ips:
            seconds = self.deadline.left(CONNECT_TIMEOUT)
            try:
                return socket.create_connection((ip, self.port), seconds)
            except OSError as error:
                problem = error
        raise problem

    def _response(self, sock: socket.socket, **options: Any) -> http.client.HTTPResponse:
        response = http.client.HTTPResponse(sock, **options)
        response.fp = io.BufferedReader(_Reader(response.fp.detach(), sock, self.deadline))
        return response


class _Reader(io.RawIOBase):
    """Reads until a deadline, in any number of steps."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, deadline: "_Deadline") -> None:
        self._raw = raw
        self._sock = sock
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._deadline.left(READ_TIMEOUT))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Deadline:
    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def left(self, maximum: float) -> float:
        """The seconds for the next step. Raises TimeoutError if none are left."""
        seconds = self._at - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        return min(seconds, maximum)


@cache
def _context(ca_file: str) -> ssl.SSLContext:
    # Reading the certificates takes longer than a whole post.
    return ssl.create_default_context(cafile=ca_file)


def _failure(error: Exception) -> Failure:
    if isinstance(error, TimeoutError):
        return Failure.TOO_SLOW
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
        return Failure.NOT_TRUSTED
    if isinstance(error, FileNotFoundError):  # the file of trusted certificates
        return Failure.IMPOSSIBLE
    if isinstance(error, OSError | http.client.HTTPException):
        return Failure.UNREACHABLE
    return Failure.IMPOSSIBLE  # a line break in a header


def _seconds(text: str | None) -> float | None:
    """The seconds of a Retry-After header, which holds seconds or a date."""
    if not text:
        return None
    with suppress(ValueError):
        return max(0.0, float(text))
    with suppress(ValueError, OverflowError):
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    return None
