"""A callback's body as it was meant: unpacked, and never more of it than the cap."""

import zlib
from collections.abc import Mapping
from typing import Any, Protocol

_CHUNK = 64 * 1024
_GZIP = {"gzip", "x-gzip"}
_GZIP_MAGIC = b"\x1f\x8b"
# zlib's number for "with gzip's header and checksum".
_WITH_GZIP_HEADER = 16 + zlib.MAX_WBITS


class BodyRefusedError(Exception):
    """The body was not taken. `status` is the answer, the text its reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


def read_body(meta: Mapping[str, Any], limit: int) -> bytes:
    """The body of a WSGI request. Raises BodyRefusedError (415 with the body unread, 413, 400).

    What calls itself gzip and cannot be unpacked is given as it came: it is evidence all the same.
    """
    media_type = meta.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise BodyRefusedError(415, "Send the callback as Content-Type: application/json.")
    encoding = meta.get("HTTP_CONTENT_ENCODING", "").strip().lower()
    if encoding not in {"", "identity", *_GZIP}:
        raise BodyRefusedError(415, "Send the callback as it is, or with Content-Encoding: gzip.")
    body = _read(meta["wsgi.input"], _size_to_read(meta, limit))
    if encoding in _GZIP and body.startswith(_GZIP_MAGIC) and len(body) <= limit:
        body = _inflated(body, limit)
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _size_to_read(meta: Mapping[str, Any], limit: int) -> int:
    """Never more than one byte above the cap, which is enough to see that it is exceeded."""
    declared = meta.get("CONTENT_LENGTH", "").strip()
    if not declared:
        # Chunked. A server that marks the end lets us read up to it; another would block us there.
        return limit + 1 if meta.get("wsgi.input_terminated") else 0
    if not (declared.isascii() and declared.isdigit()):
        raise BodyRefusedError(400, "Content-Length is not a number.")
    digits = declared.lstrip("0") or "0"
    # They are counted first: Python refuses to read a number of some thousands of them.
    if len(digits) > len(str(limit)) or int(digits) > limit:
        raise _too_large(limit)
    return int(digits)


def _read(stream: _Stream, size: int) -> bytes:
    """Up to `size` bytes; fewer where the client went away, which is the client's matter."""
    whole = bytearray()
    try:
        while len(whole) < size and (chunk := stream.read(min(_CHUNK, size - len(whole)))):
            whole += chunk
    except OSError:
        pass
    return bytes(whole)


def _inflated(packed: bytes, limit: int) -> bytes:
    """Unpack one byte above the cap at most, so that a bomb costs no more than an honest body."""
    unpacker = zlib.decompressobj(_WITH_GZIP_HEADER)
    try:
        whole = unpacker.decompress(packed, limit + 1)
    except zlib.error:
        return packed
    is_complete = unpacker.eof and not unpacker.unused_data
    return whole if is_complete or len(whole) > limit else packed


def _too_large(limit: int) -> BodyRefusedError:
    return BodyRefusedError(413, f"A callback may have {limit} bytes at most, unpacked.")
