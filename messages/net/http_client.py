"""POST over a connection to a checked number; see addresses.py for why not to a name.

http.client and not `requests`: it connects where it is told, asks no proxy, follows no redirect and
adds nothing. A redirect is an answer like any other here, so it cannot lead anywhere.
"""

import http.client
import io
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import cache
from types import TracebackType
from typing import Any, Self

import certifi

from statusboard import page_network

from .url_guard import Address, Resolver, UnsafeUrlError, parse_url, resolve

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 10.0
# The two above are per step: a receiver that takes and gives byte by byte would never end by them.
WHOLE_TIMEOUT = 15.0
# Nobody reads the answer's body; a short one is only taken in to keep the connection.
MAX_ANSWER = 64 * 1024


class Failure(StrEnum):
    """Why there was no answer."""

    UNSAFE = "unsafe"
    UNREACHABLE = "unreachable"
    NOT_TRUSTED = "not trusted"
    TOO_SLOW = "too slow"
    IMPOSSIBLE = "impossible"


class PostFailedError(Exception):
    """No answer came. Holds nothing of the address, of a header or of the body."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.value)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Answer:
    """`retry_after` is in seconds from now, as the answer asks for; None where it does not."""

    status: int
    retry_after: float | None


class SafeHttpClient:
    """Posts to one address, again and again over one connection. Not for several threads."""

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
        """Raises PostFailedError where no answer came in time, or none may be asked for."""
        try:
            return page_network.call(lambda: self._post_in_time(body, headers))
        except TimeoutError:
            raise PostFailedError(Failure.TOO_SLOW) from None

    def _post_in_time(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        deadline = _Deadline(self._whole_timeout)
        # As bytes: http.client would refuse a text outside Latin-1.
        encoded = {name: value.encode() for name, value in headers.items()}
        with self._failures_named():
            if self._connection:
                # Kept alive by us, perhaps ended by them meanwhile: that says nothing about now.
                with suppress(ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
                    return self._post(self._connection, deadline, body, encoded)
            return self._post(self._connect(), deadline, body, encoded)

    def _connect(self) -> "_Connection":
        self._hang_up()
        address = parse_url(self._url, allow_private=self._allow_private)
        numbers = resolve(address, allow_private=self._allow_private, resolver=self._resolver)
        context = _context(self._ca_file) if address.is_https else None
        self._connection = _Connection(address, numbers, context)
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
            answer = Answer(response.status, _seconds(response.getheader("Retry-After")))
            self._take_in(response)
        return answer

    def _take_in(self, response: http.client.HTTPResponse) -> None:
        """The status is known and counts, whatever becomes of the answer's body."""
        with suppress(OSError, ValueError, http.client.HTTPException):
            response.read(MAX_ANSWER)
            if response.isclosed():
                return
        self._hang_up()

    def _hang_up(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

    @contextmanager
    def _failures_named(self) -> Iterator[None]:
        """`from None` throughout: the texts of http.client hold headers, and those hold tokens."""
        try:
            yield
        except UnsafeUrlError:
            self._hang_up()
            raise PostFailedError(Failure.UNSAFE) from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            self._hang_up()
            raise PostFailedError(_failure(error)) from None


class _Connection(http.client.HTTPConnection):
    """Connects to the numbers that were checked; Host, SNI and certificate go by the name."""

    # As long as a TLS record, so that each is one step.
    _PIECE = 16 * 1024

    def __init__(self, address: Address, numbers: list[str], tls: ssl.SSLContext | None) -> None:
        super().__init__(address.host, address.port)
        self.default_port = 443 if address.is_https else 80  # left out of the Host header
        self.target = address.target
        self.deadline = _Deadline(WHOLE_TIMEOUT)
        self.response_class = self._response  # type: ignore[assignment]  # it is only called
        self._numbers = numbers
        self._tls = tls

    def connect(self) -> None:
        self.sock = self._reach()
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls:
            self.sock.settimeout(self.deadline.left(CONNECT_TIMEOUT))
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=self.host)

    def send(self, data: Any) -> None:
        """Takes bytes, which is what http.client sends here."""
        if self.sock is None:
            self.connect()
        view = memoryview(data)
        for start in range(0, len(view), self._PIECE):
            self.sock.settimeout(self.deadline.left(READ_TIMEOUT))
            self.sock.sendall(view[start : start + self._PIECE])

    def _reach(self) -> socket.socket:
        problem: OSError = ConnectionRefusedError()
        for number in self._numbers:
            seconds = self.deadline.left(CONNECT_TIMEOUT)
            try:
                return socket.create_connection((number, self.port), seconds)
            except OSError as error:
                problem = error
        raise problem

    def _response(self, sock: socket.socket, **options: Any) -> http.client.HTTPResponse:
        response = http.client.HTTPResponse(sock, **options)
        response.fp = io.BufferedReader(_Reader(response.fp.detach(), sock, self.deadline))
        return response


class _Reader(io.RawIOBase):
    """Reads until a deadline, in however many steps."""

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

    def left(self, most: float) -> float:
        """Give the seconds for the next step. Raises TimeoutError where none are left."""
        seconds = self._at - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        return min(seconds, most)


@cache
def _context(ca_file: str) -> ssl.SSLContext:
    # Reading the certificates takes longer than a whole post.
    return ssl.create_default_context(cafile=ca_file)


def _failure(error: Exception) -> Failure:
    if isinstance(error, TimeoutError):
        return Failure.TOO_SLOW
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
        return Failure.NOT_TRUSTED
    if isinstance(error, FileNotFoundError):  # the certificates to trust
        return Failure.IMPOSSIBLE
    if isinstance(error, OSError | http.client.HTTPException):
        return Failure.UNREACHABLE
    return Failure.IMPOSSIBLE  # a line break in a header


def _seconds(text: str | None) -> float | None:
    """Read a Retry-After header: seconds, or a date."""
    if not text:
        return None
    with suppress(ValueError):
        return max(0.0, float(text))
    with suppress(ValueError, OverflowError):
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    return None
